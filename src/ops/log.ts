/**
 * The log: JSON lines, one for each event of `events.ts`.
 *
 * Nothing is redacted here because nothing that needs it can get in: lines are made of named fields, copied one by one,
 * texts cut in length. A peer's line breaks and terminal escapes are escaped by JSON.
 */
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino'
import { EVENTS, type EventName, type EventSpec, FIELDS, type FieldName, type LogFields } from './events.ts'

const LONGEST_TEXT = 256
const WINDOW_MS = 10_000
/** What may wait for a reader of standard output that does not read; beyond it lines are dropped, not buffered. */
const PENDING_BYTES = 4 * 1024 * 1024
/** For what waits at the end. */
const FLUSH_MS = 10_000
const FIELD_NAMES = Object.keys(FIELDS) as FieldName[]

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

interface Window {
  startedMs: number
  written: number
  suppressed: number
}

export class Log {
  readonly #logger: Logger
  readonly #to: DestinationStream
  readonly #flush: () => Promise<void>
  #dropped = false
  /** Audit events that were not written. */
  auditLostCount = 0
  readonly #windows = new Map<EventName, Window>()
  readonly #nowMs: () => number

  /** @param to where lines go; standard output when left out */
  constructor(level: LogLevel, to?: DestinationStream, nowMs: () => number = Date.now) {
    const stdout = to === undefined ? destination({ fd: 1, sync: false, maxLength: PENDING_BYTES }) : undefined
    const options = {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label: string) => ({ level: label }) },
    }
    this.#to = to ?? stdout ?? process.stdout
    stdout?.on('drop', () => {
      this.#dropped = true
    })
    this.#logger = pino(options, this.#to)
    this.#flush = async () => {
      if (stdout !== undefined) await drained(stdout)
    }
    this.#nowMs = nowMs
  }

  /** Writes one event; its level comes from the table unless the caller knows better. */
  write(event: EventName, fields: LogFields = {}, level: EventSpec['level'] = EVENTS[event].level): void {
    if (!this.#logger.isLevelEnabled(level)) return
    const line: Record<string, string | number> = { event }
    for (const name of FIELD_NAMES) {
      const value = fields[name]
      if (value !== undefined) line[name] = typeof value === 'string' ? cut(value) : value
    }
    const suppressed = this.#admit(event)
    if (suppressed === undefined) return
    if (suppressed > 0) line['suppressed'] = suppressed
    this.#logger[level](line)
  }

  /** Writes one audit event, whatever the level but `silent`. Returns false when it was not written: nobody reads. */
  audit(event: Readonly<Record<string, string | number | boolean | undefined>>): boolean {
    this.#dropped = this.#logger.level === 'silent'
    if (!this.#dropped) {
      const line = { level: 'audit', time: new Date().toISOString(), ...event }
      this.#to.write(
        `${JSON.stringify(line, (_, value: unknown) => (typeof value === 'string' ? cut(value) : value))}\n`,
      )
    }
    if (this.#dropped) this.auditLostCount++
    return !this.#dropped
  }

  /**
   * Resolves when everything has been handed to the operating system, in order; called before the process ends. Waits ten
   * seconds at most for a reader that does not read. Never rejects.
   */
  async flush(): Promise<void> {
    await this.#flush()
  }

  /** How many lines were left out before this one; `undefined` when this one is left out too. */
  #admit(event: EventName): number | undefined {
    const { perTenSeconds }: EventSpec = EVENTS[event]
    if (perTenSeconds === undefined) return 0
    const nowMs = this.#nowMs()
    let window = this.#windows.get(event)
    let suppressed = 0
    if (window === undefined || nowMs - window.startedMs >= WINDOW_MS || nowMs < window.startedMs) {
      suppressed = window?.suppressed ?? 0
      window = { startedMs: nowMs, written: 0, suppressed: 0 }
      this.#windows.set(event, window)
    }
    if (window.written >= perTenSeconds) {
      window.suppressed++
      return undefined
    }
    window.written++
    return suppressed
  }
}

/**
 * Not `flushSync`, which writes past what a thread of Node's pool is about to write, and not `flush`, which waits for
 * nothing: every write is followed by a `drain`, that of nothing too.
 */
async function drained(stdout: ReturnType<typeof destination>): Promise<void> {
  await new Promise<void>((resolve) => {
    const giveUp = setTimeout(resolve, FLUSH_MS)
    stdout.once('drain', () => {
      clearTimeout(giveUp)
      resolve()
    })
    // Where the reader has gone away, pino has put a write in its place that does nothing, and says nothing.
    const isOpen: unknown = stdout.write('')
    if (isOpen === undefined) {
      clearTimeout(giveUp)
      resolve()
    }
  })
}

function cut(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`
}
