/**
 * The log: JSON lines, one for each event of `events.ts`.
 *
 * Nothing is redacted here because nothing that needs it can get in: lines are made of named fields, copied one by one,
 * texts cut in length. A peer's line breaks and terminal escapes are escaped by JSON.
 */
import { type Logger, pino, stdTimeFunctions } from 'pino'
import { EVENTS, type EventName, type EventSpec, FIELDS, type FieldName, type LogFields } from './events.ts'
import { StandardOutput } from './standard-output.ts'

const LONGEST_TEXT = 256
const WINDOW_MS = 10_000
const FIELD_NAMES = Object.keys(FIELDS) as FieldName[]

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

/** Where lines go, each with its line break. */
export interface Lines {
  /** False when the line is not written. */
  write(line: string): unknown
  /** Resolves when everything has been handed to the operating system, or cannot be. Never rejects. */
  flush?(): Promise<void>
  /** Whether the next line would not be written. */
  readonly isFailing?: boolean
}

/** Named by the gateway, never by a peer. */
export type AuditFields = Readonly<Record<string, string | number | boolean | undefined>>

/** Is given all that the log is given, whatever its level and its bounds. Must not throw, nor write to the log. */
export interface LogObserver {
  wrote(event: EventName, fields: LogFields): void
  audited?(event: AuditFields, more: AuditFields): void
}

interface Window {
  startedMs: number
  written: number
  suppressed: number
}

export class Log {
  readonly #logger: Logger
  readonly #to: Lines
  /** Audit events that were not written. */
  auditLostCount = 0
  /** By event and cause: a flood of one cause hides no other. */
  readonly #windows = new Map<string, Window>()
  readonly #nowMs: () => number
  #observers: readonly LogObserver[] = []

  /** @param to where lines go; standard output when left out */
  constructor(level: LogLevel, to: Lines = StandardOutput.current, nowMs: () => number = Date.now) {
    const options = {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label: string) => ({ level: label }) },
    }
    this.#to = to
    this.#logger = pino(options, to)
    this.#nowMs = nowMs
  }

  /** @returns stops it */
  observe(observer: LogObserver): () => void {
    this.#observers = [...this.#observers, observer]
    return () => {
      this.#observers = this.#observers.filter((one) => one !== observer)
    }
  }

  /** The least severe lines that are written from now on. */
  set level(level: LogLevel) {
    this.#logger.level = level
  }

  /** Writes one event; its level comes from the table unless the caller knows better. */
  write(event: EventName, fields: LogFields = {}, level: EventSpec['level'] = EVENTS[event].level): void {
    for (const observer of this.#observers) observer.wrote(event, fields)
    if (!this.#logger.isLevelEnabled(level)) return
    const line: Record<string, string | number> = { event }
    const { longestDetail }: EventSpec = EVENTS[event]
    for (const name of FIELD_NAMES) {
      const value = fields[name]
      const longest = name === 'detail' ? longestDetail : undefined
      if (value !== undefined) line[name] = typeof value === 'string' ? cut(value, longest) : value
    }
    const suppressed = this.#admit(event, fields.cause)
    if (suppressed === undefined) return
    if (suppressed > 0) line['suppressed'] = suppressed
    this.#logger[level](line)
  }

  /** Writes one audit event and what else is known of it, whatever the level but `silent`. Returns false when it is not written: nobody reads. */
  audit(event: AuditFields, more: AuditFields = {}): boolean {
    for (const observer of this.#observers) observer.audited?.(event, more)
    const isWritten = this.#logger.level !== 'silent' && this.#to.write(auditLine(event, more)) !== false
    if (!isWritten) this.auditLostCount++
    return isWritten
  }

  /** Whether an audit event would be lost now. */
  get isFailing(): boolean {
    return this.#to.isFailing === true
  }

  /** Resolves when everything has been handed to the operating system, in order; called before the process ends. Never rejects. */
  async flush(): Promise<void> {
    await this.#to.flush?.()
  }

  /** How many lines were left out before this one; `undefined` when this one is left out too. */
  #admit(event: EventName, cause: LogFields['cause'] = ''): number | undefined {
    const { perTenSeconds }: EventSpec = EVENTS[event]
    if (perTenSeconds === undefined) return 0
    const nowMs = this.#nowMs()
    const key = `${event} ${cause}`
    let window = this.#windows.get(key)
    let suppressed = 0
    if (window === undefined || nowMs - window.startedMs >= WINDOW_MS || nowMs < window.startedMs) {
      suppressed = window?.suppressed ?? 0
      window = { startedMs: nowMs, written: 0, suppressed: 0 }
      this.#windows.set(key, window)
    }
    if (window.written >= perTenSeconds) {
      window.suppressed++
      return undefined
    }
    window.written++
    return suppressed
  }
}

function auditLine(event: AuditFields, more: AuditFields): string {
  const head = `{"level":"audit","time":"${new Date().toISOString()}"`
  return `${head}${members(event)}${members(more)}}\n`
}

/** As JSON, each behind a comma. To make an object of them first, with a shape for each kind of event, takes longer. */
function members(fields: AuditFields): string {
  let text = ''
  for (const name in fields) {
    const value = fields[name]
    if (value !== undefined) text += `,"${name}":${JSON.stringify(typeof value === 'string' ? cut(value) : value)}`
  }
  return text
}

/** As long as a text may be in a line. */
export function cut(text: string, longest = LONGEST_TEXT): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`
}
