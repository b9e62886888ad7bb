/**
 * The log for people at a terminal: each line of JSON as one line of text. The clock comes first, then the level and the
 * event, then the fields. What a peer named itself cannot move the cursor.
 */
import type { Lines } from './log.ts'
import { StandardOutput } from './standard-output.ts'

export type LogFormat = 'auto' | 'json' | 'pretty'

const COLOURS: Readonly<Record<string, number>> = { debug: 90, info: 32, warn: 33, error: 31, fatal: 31, audit: 36 }
const LEVEL_WIDTH = 5
const EVENT_WIDTH = 22

/**
 * Where lines go in this format. `auto` is pretty where standard output is a terminal.
 * @param to absent: standard output
 */
export function linesIn(
  format: LogFormat,
  to: Lines | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Lines {
  const isTerminal = to === undefined && process.stdout.isTTY === true
  const lines = to ?? StandardOutput.current
  if (format === 'json' || (format === 'auto' && !isTerminal)) return lines
  // https://no-color.org
  const hasColours = isTerminal && (env['NO_COLOR'] ?? '') === ''
  return new PrettyLines(lines, hasColours)
}

export class PrettyLines implements Lines {
  readonly #to: Lines
  readonly #hasColours: boolean

  constructor(to: Lines, hasColours: boolean) {
    this.#to = to
    this.#hasColours = hasColours
  }

  write(line: string): unknown {
    return this.#to.write(`${this.#pretty(JSON.parse(line) as Readonly<Record<string, unknown>>)}\n`)
  }

  get isFailing(): boolean {
    return this.#to.isFailing === true
  }

  async flush(): Promise<void> {
    await this.#to.flush?.()
  }

  #pretty({ level, time, event, ...fields }: Readonly<Record<string, unknown>>): string {
    const name = String(level)
    const shown = Object.entries(fields).map(([key, value]) => `${this.#coloured(`${key}=`, 90)}${valueText(value)}`)
    const label = this.#coloured(name.toUpperCase().padEnd(LEVEL_WIDTH), COLOURS[name] ?? 0)
    return [clock(String(time)), label, String(event).padEnd(EVENT_WIDTH), ...shown].join(' ').trimEnd()
  }

  #coloured(text: string, colour: number): string {
    return this.#hasColours ? `\u001b[${colour}m${text}\u001b[0m` : text
  }
}

/** `19:35:01.123`, where the reader is. */
function clock(time: string): string {
  const at = new Date(time)
  const two = (value: number): string => String(value).padStart(2, '0')
  const ms = String(at.getMilliseconds()).padStart(3, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`
}

/** Bare where it is one word, else in quotes. */
function valueText(value: unknown): string {
  if (typeof value !== 'string') return String(value)
  const text = /^[^\s"=\p{C}]+$/u.test(value) ? value : JSON.stringify(value)
  return text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`)
}
