/**
 * Sockets on their way to a worker: each goes to the worker with fewest connections, those under way counted. Few are under way
 * to one worker at once: whatever else the primary has to say would have to wait behind them.
 */
import type { Socket } from 'node:net'

/** A worker, as a socket may be given to it. */
export interface Taker {
  /** Whether it takes any. */
  readonly isServing: boolean
  /** Connections that it has, and those that are under way. */
  readonly load: number
  readonly underWay: number
  /** @param at the place of its listener at the moment; `listener`, at any later one */
  hand(socket: Socket, at: number, listener: () => number | undefined): void
}

export interface HandOffEvents {
  /** No worker took it in time, or too many wait. */
  dropped(detail: string, address: string): void
}

/** Node passes one at a time, and waits until it has arrived: answers wait behind those before them. */
const MOST_UNDER_WAY = 16
/** As many as a system usually lets wait in front of a listener, twice. */
const MOST_WAITING = 1_024
/** Longer than a worker takes to be replaced. */
const WAIT_MS = 10_000

interface Waiting {
  readonly socket: Socket
  /** The listener's place among those with an address; undefined where it has gone. */
  readonly listener: () => number | undefined
  readonly sinceMs: number
}

export class HandOff {
  readonly #takers: () => Iterable<Taker>
  readonly #events: HandOffEvents
  readonly #waiting: Waiting[] = []
  #last: Taker | undefined

  constructor(takers: () => Iterable<Taker>, events: HandOffEvents) {
    this.#takers = takers
    this.#events = events
  }

  get waitingCount(): number {
    return this.#waiting.length
  }

  add(socket: Socket, listener: () => number | undefined): void {
    // A reset while it waits has no other listener.
    socket.on('error', () => {})
    if (this.#waiting.length >= MOST_WAITING) return this.#drop(socket, 'too many connections wait for a worker')
    this.#waiting.push({ socket, listener, sinceMs: performance.now() })
    this.pump()
  }

  /** Gives away what can be; called whenever a worker can take more. */
  pump(): void {
    let count = 0
    for (const { socket, listener } of this.#waiting) {
      const at = listener()
      if (at === undefined) socket.destroy()
      else {
        const taker = this.#fewest()
        if (taker === undefined) break
        taker.hand(socket, at, listener)
        this.#last = taker
      }
      count += 1
    }
    if (count > 0) this.#waiting.splice(0, count)
  }

  /** Called once a second. */
  tick(nowMs = performance.now()): void {
    const late = this.#waiting.findIndex(({ sinceMs }) => nowMs - sinceMs < WAIT_MS)
    const dropped = this.#waiting.splice(0, late === -1 ? this.#waiting.length : late)
    for (const { socket } of dropped) this.#drop(socket, 'no worker took the connection in time')
    this.pump()
  }

  /** Destroys what waits. */
  cut(): void {
    for (const { socket } of this.#waiting.splice(0)) socket.destroy()
  }

  /** Of several with as few, the next one after the one that got the last. */
  #fewest(): Taker | undefined {
    const takers = [...this.#takers()]
    const first = this.#last === undefined ? 0 : takers.indexOf(this.#last) + 1
    let fewest: Taker | undefined
    for (const taker of [...takers.slice(first), ...takers.slice(0, first)]) {
      if (!taker.isServing || taker.underWay >= MOST_UNDER_WAY) continue
      if (fewest === undefined || taker.load < fewest.load) fewest = taker
    }
    return fewest
  }

  #drop(socket: Socket, detail: string): void {
    this.#events.dropped(detail, socket.remoteAddress ?? '')
    socket.destroy()
  }
}
