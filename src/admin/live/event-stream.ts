/**
 * One reader of live events, as server-sent events. It holds a bounded number of bytes for a reader that is slow, and lives
 * for minutes only: whoever wants more connects again, which every browser does by itself, and is asked again who it is.
 * [HTML §9.2]
 */
import type { ServerResponse } from 'node:http'

/** What may wait to be read: ten thousand sessions that end at once fit in. */
const MOST_BYTES = 4 * 1024 * 1024
/** For the last words to be read. */
const LAST_WORDS_MS = 10_000
const RETRY_MS = 1_000

export class EventStream {
  readonly #response: ServerResponse
  readonly #mayStay: () => boolean
  readonly #endsAtMs: number
  readonly #over: () => void
  #isEnding = false

  /**
   * @param mayStay whether the reader still may
   * @param endsAtMs when it has to connect again, on the clock of `Date.now()`
   * @param over called once, when nothing more can be written
   */
  constructor(response: ServerResponse, mayStay: () => boolean, endsAtMs: number, over: () => void) {
    this.#response = response
    this.#mayStay = mayStay
    this.#endsAtMs = endsAtMs
    this.#over = over
    response.once('close', () => this.#left())
    response.on('error', () => {})
    response.write(`retry: ${RETRY_MS}\n\n`)
  }

  /** @param text of `eventText` or `ALIVE` */
  send(text: string): void {
    if (this.#isEnding) return
    this.#response.write(text)
    if (this.#response.writableLength > MOST_BYTES)
      this.end('dropped', `you read too slowly: ${MOST_BYTES / 1024 / 1024} MiB were waiting`)
  }

  /** Ends the stream where its reader may stay no longer. */
  look(nowMs: number): void {
    if (!this.#mayStay()) this.end('ended', 'you may not read this any more')
    else if (nowMs >= this.#endsAtMs) this.end('ended', 'connect again')
  }

  end(event: 'dropped' | 'ended', detail: string): void {
    if (this.#isEnding) return
    this.#left()
    this.#response.end(eventText(event, { detail }))
    const { socket } = this.#response
    const cut = setTimeout(() => socket?.destroy(), LAST_WORDS_MS).unref()
    this.#response.once('close', () => clearTimeout(cut))
  }

  #left(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#over()
  }
}

/** Shows proxies that the connection is in use. */
export const ALIVE = ': alive\n\n'

/** JSON has no line breaks of its own. */
export function eventText(event: string, data: Readonly<Record<string, unknown>>): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
