/**
 * The requests of one connection that wait for their answers, and the answers that wait to be read. Node takes as many as
 * fit into what it has read, each a hundred times its size on the wire; here they are few, and an answer that is not read
 * in time costs the connection. [RFC 9112 §9.3.2, §9.5]
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

const MOST = 16
/** Of their heads and bodies together: a connection holds no more before it is proven whose it is. */
const MOST_BYTES = 64 * 1024
/** What a request without a length may bring. */
const UNKNOWN_BODY_BYTES = 16 * 1024

export class Unanswered {
  readonly #socket: Duplex
  readonly #unreadMs: number
  readonly #giveUp: () => void
  readonly #responses = new Map<ServerResponse, number>()
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #last: (() => void) | undefined
  #isEndless = false

  /** @param giveUp called before the socket is destroyed because an answer was not read within so many milliseconds */
  constructor(socket: Duplex, unreadMs: number, giveUp: () => void) {
    this.#socket = socket
    this.#unreadMs = unreadMs
    this.#giveUp = giveUp
    socket.once('close', () => this.#stop())
  }

  get count(): number {
    return this.#responses.size
  }

  /** Whether one more is too many. */
  get isFull(): boolean {
    return this.isEnding || this.#isEndless || this.#responses.size >= MOST || this.#bytes >= MOST_BYTES
  }

  /** Whether the connection takes no more requests, and ends behind those it has. */
  get isEnding(): boolean {
    return this.#last !== undefined
  }

  /** Whether something may be written to the socket now without being taken for the answer to an earlier request. */
  get isClear(): boolean {
    const [first, ...others] = this.#responses.keys()
    return first === undefined || (others.length === 0 && !first.headersSent && !first.req.complete)
  }

  /** Whether all that came before has come whole, so that it will be answered. */
  get isComplete(): boolean {
    return [...this.#responses.keys()].every(({ req }) => req.complete)
  }

  /** Counts a request until the system has taken its answer, or the connection is gone. */
  add(request: IncomingMessage, response: ServerResponse): void {
    const bytes = sizeOf(request)
    this.#bytes += bytes
    this.#responses.set(response, bytes)
    if (this.#responses.size === 1) this.#watch()
    response.once('close', () => this.#answered(response))
  }

  /** Calls back when everything so far is answered; from now on there is one deadline for all of it. */
  whenNone(last: () => void): void {
    this.#last = last
    if (this.#responses.size === 0) this.#end()
  }

  /** An answer goes on for as long as somebody reads it, who writes it bounds it: nothing more is taken behind it. */
  goesOn(): void {
    this.#isEndless = true
    this.#stop()
  }

  #answered(response: ServerResponse): void {
    this.#bytes -= this.#responses.get(response) ?? 0
    this.#responses.delete(response)
    if (this.#responses.size === 0) this.#end()
    else if (!this.isEnding) this.#watch()
  }

  #end(): void {
    this.#stop()
    this.#last?.()
  }

  #watch(): void {
    if (this.#isEndless) return
    if (this.#timer !== undefined) {
      this.#timer.refresh()
      return
    }
    this.#timer = setTimeout(() => {
      this.#giveUp()
      this.#socket.destroy()
    }, this.#unreadMs)
    this.#timer.unref()
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** What a request holds until it is answered, in bytes of the wire. */
function sizeOf({ url = '', rawHeaders, headers }: IncomingMessage): number {
  let bytes = url.length
  for (const text of rawHeaders) bytes += text.length
  if (headers['transfer-encoding'] !== undefined) return bytes + UNKNOWN_BODY_BYTES
  return bytes + Math.min(Number(headers['content-length'] ?? 0), UNKNOWN_BODY_BYTES)
}
