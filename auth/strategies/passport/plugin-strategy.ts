/**
 * Makes a strategy out of modules. Constructors of strategies differ: options first, options alone, the verify function
 * alone, several arguments before it. All of these are one list here, with the verify function at its end.
 */
import type { Strategy } from 'passport'
import { InvalidConfiguration } from '../../errors.ts'
import type { Load, StrategyParts } from './plugin-parts.ts'
import { watchedVerify } from './plugin-verify.ts'

type StrategyClass = new (...input: unknown[]) => Strategy
type Part = 'module' | 'options' | 'verify'

/** @throws {InvalidConfiguration} when the modules do not hold what they should, or the strategy does not take its options */
export async function makeStrategy(parts: StrategyParts, load: Load): Promise<Strategy> {
  const Constructor = await find(load, parts.module, parts.export, 'module')
  const input = [...(await optionsOf(parts, load)), ...(await verifyOf(parts, load))]
  let strategy: Strategy
  try {
    strategy = new (Constructor as StrategyClass)(...input)
  } catch (cause) {
    throw invalid('options', `${parts.module} does not take these options: ${messageOf(cause)}`)
  }
  if (typeof strategy.authenticate === 'function') return strategy
  throw invalid('export', `the export ${parts.export} of ${parts.module} is no Passport strategy`)
}

/** Strategies fill their options in: each gets its own. */
async function optionsOf({ options }: StrategyParts, load: Load): Promise<readonly unknown[]> {
  if (options === undefined) return []
  if (typeof options !== 'string') return (isList(options) ? options : [options]).map(copied)
  const exported = defaultOf(await loaded(load, options, 'options'))
  if (exported === undefined) throw invalid('options', `${options} has no default export`)
  const given = typeof exported === 'function' ? await built(exported as () => unknown, options) : exported
  return (isList(given) ? given : [given]).map(copied)
}

async function built(build: () => unknown, module: string): Promise<unknown> {
  try {
    return await build()
  } catch (cause) {
    throw invalid('options', `the function in ${module} fails: ${messageOf(cause)}`)
  }
}

async function verifyOf({ verify }: StrategyParts, load: Load): Promise<readonly unknown[]> {
  if (verify === undefined) return []
  return [watchedVerify((await find(load, verify, 'default', 'verify')) as Parameters<typeof watchedVerify>[0])]
}

/** A function in a module; CommonJS modules hold it in their default export. */
async function find(load: Load, module: string, name: string, part: Part): Promise<unknown> {
  const all = await loaded(load, module, part)
  const inner = property(all, 'default')
  const found = [property(all, name), property(inner, name)].find((one) => typeof one === 'function')
  if (found !== undefined) return found
  const names = [...new Set([...functionsIn(all), ...functionsIn(inner)])]
  const known = names.length === 0 ? '' : `; it has: ${names.slice(0, 12).join(', ')}`
  throw invalid(part, `${module} has no function ${name === 'default' ? 'as its default export' : name}${known}`)
}

async function loaded(load: Load, module: string, part: Part): Promise<unknown> {
  try {
    return await load(module)
  } catch (cause) {
    throw invalid(part, `${module} cannot be loaded: ${messageOf(cause)}`)
  }
}

function defaultOf(module: unknown): unknown {
  return property(module, 'default')
}

function functionsIn(value: unknown): readonly string[] {
  if (!holds(value)) return []
  return Object.keys(value).filter((name) => typeof property(value, name) === 'function')
}

function property(value: unknown, name: string): unknown {
  return holds(value) ? (value as Record<string, unknown>)[name] : undefined
}

function holds(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function copied(value: unknown): unknown {
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  return isPlain ? { ...value } : value
}

function invalid(key: string, message: string): InvalidConfiguration {
  return new InvalidConfiguration([{ path: [key], message }])
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
