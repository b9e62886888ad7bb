/** Options of a command, out of its arguments: told apart from mistakes, with the option that was most likely meant. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { suggestion } from '../config/reading/nearest.ts'
import { UsageError } from './exit.ts'

type OptionSpecs = NonNullable<ParseArgsConfig['options']>

interface Spec<T extends OptionSpecs> {
  /** For the error's hint. */
  readonly command: string
  readonly options: T
  /** How many words there may be that are no options. */
  readonly words?: number
}

/** What `parseArgs` makes of these options. */
type Parsed<T extends OptionSpecs> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>

/** @throws UsageError for anything that is not in the spec */
export function parseOptions<T extends OptionSpecs>(
  args: readonly string[],
  { command, options, words = 0 }: Spec<T>,
): Parsed<T> {
  refuseUnknown(args, Object.keys(options), command)
  const parsed = parsedOrUsage(args, options, command)
  const [extra] = parsed.positionals.slice(words)
  if (extra !== undefined) throw new UsageError(`${command} takes no argument ${JSON.stringify(extra)}`, { command })
  return parsed
}

function parsedOrUsage<T extends OptionSpecs>(args: readonly string[], options: T, command: string): Parsed<T> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    // Node's first sentence says what is wrong; what follows is advice for programmers.
    const [sentence = 'wrong arguments'] = error instanceof Error ? error.message.split(/\. |\n/) : []
    throw new UsageError(`${command}: ${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`, {
      command,
      cause: error,
    })
  }
}

/** Node refuses unknown options too, but does not say which one was meant. */
function refuseUnknown(args: readonly string[], known: readonly string[], command: string): void {
  const end = args.indexOf('--')
  for (const argument of end === -1 ? args : args.slice(0, end)) {
    const name = /^--([^=]+)/.exec(argument)?.[1]
    if (name === undefined || known.includes(name)) continue
    const near = suggestion(name, known)
    const hint = near.startsWith('; did') ? near.replace(/"(.+)"/, '--$1') : ''
    throw new UsageError(`${command} has no option --${name}${hint}`, { command })
  }
}

/** The value of an option that must be there. @throws UsageError */
export function needed(value: string | undefined, option: string, command: string): string {
  if (value === undefined || value === '') throw new UsageError(`${command} needs ${option}`, { command })
  return value
}

/** A port. @throws UsageError */
export function portOption(value: string | undefined, command: string, option = '--port'): number | undefined {
  if (value === undefined) return undefined
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port <= 65_535))
    throw new UsageError(`${command}: expected a port from 0 to 65535 after ${option}`, { command })
  return port
}
