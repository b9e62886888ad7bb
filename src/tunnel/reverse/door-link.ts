/**
 * This gateway at one door: as many connections as wanted are kept ready there. Where the door is away, one connection at a time
 * is tried, with pauses that grow; where it is back, all of them come back.
 */
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { type ConnectionTimes, DoorConnection } from './door-connection.ts'

const SHORTEST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** A connection that has waited for so long was no accident: pauses begin at the shortest again. */
const STEADY_MS = 10_000
/** Connections are dialled at the same time, at most. */
const MOST_DIALLED = 64
/** For the next set of connections to be there, where certificates changed. */
const HAND_OVER_MS = 2_000

export interface LinkEvents {
  /** A client has arrived. */
  given(socket: TLSSocket, source: string | undefined): void
  /** The door has connections of ours, after it had none. */
  joined(url: string): void
  /** It has none any more, or never had; said again where the reason changes. */
  away(url: string, why: string): void
}

export interface LinkOptions {
  /** `tls://HOST:PORT`, for people. */
  readonly url: string
  readonly connect: ConnectionOptions
  readonly spare: number
  /** For tests. */
  readonly times?: Partial<ConnectionTimes> | undefined
}

export class DoorLink {
  readonly #options: LinkOptions
  readonly #events: LinkEvents
  readonly #connections = new Set<DoorConnection>()
  #spare: number
  #readyCount = 0
  #failureCount = 0
  #isUp = false
  #told: string | undefined
  #isOver = false
  #timer: NodeJS.Timeout | undefined
  /** Clients that arrived through it. */
  givenCount = 0

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options
    this.#spare = options.spare
    this.#events = events
  }

  get url(): string {
    return this.#options.url
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Connections that wait for a client. */
  get spareCount(): number {
    return this.#readyCount
  }

  start(): void {
    this.#fill()
  }

  /** Another number of connections from now on. */
  keep(spare: number): void {
    this.#spare = spare
    for (const connection of [...this.#connections].slice(spare)) {
      this.#forget(connection)
      connection.drop('there are too many')
    }
    if (this.#timer === undefined) this.#fill()
  }

  /** Takes no more clients: connections that wait are ended. */
  stop(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    for (const connection of this.#connections) connection.drop('the gateway stops')
  }

  /** The same in a moment, when another link will have taken its place. */
  retire(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.stop(), HAND_OVER_MS)
    this.#timer.unref()
  }

  #fill(): void {
    if (this.#isOver) return
    const wanted = this.#isUp ? Math.min(this.#spare, this.#readyCount + MOST_DIALLED) : 1
    while (this.#connections.size < wanted) this.#dial()
  }

  #dial(): void {
    const connection = new DoorConnection(
      this.#options.connect,
      {
        ready: () => this.#ready(),
        given: (one, socket, source) => {
          this.#readyCount -= 1
          this.#forget(one)
          this.#failureCount = 0
          this.givenCount += 1
          if (this.#timer === undefined) this.#fill()
          this.#events.given(socket, source)
        },
        lost: (one, why) => this.#lost(one, why),
      },
      this.#options.times,
    )
    this.#connections.add(connection)
  }

  #ready(): void {
    this.#readyCount += 1
    if (!this.#isUp) {
      this.#isUp = true
      this.#told = undefined
      this.#events.joined(this.url)
    }
    if (this.#timer === undefined) this.#fill()
  }

  #lost(connection: DoorConnection, why: string): void {
    if (connection.wasReady) this.#readyCount -= 1
    if (!this.#connections.has(connection)) return
    this.#forget(connection)
    if (this.#isOver) return
    if (connection.waitedMs >= STEADY_MS) this.#failureCount = 0
    if (this.#readyCount === 0) {
      this.#isUp = false
      if (why !== this.#told) this.#events.away(this.url, why)
      this.#told = why
    }
    this.#pause()
  }

  /** Many that are lost at the same time are one failure. */
  #pause(): void {
    if (this.#timer !== undefined) return
    const longestMs = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** (this.#failureCount + 1))
    this.#failureCount += 1
    const ms = SHORTEST_PAUSE_MS + Math.random() * (longestMs - SHORTEST_PAUSE_MS)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#fill()
    }, ms)
  }

  #forget(connection: DoorConnection): void {
    this.#connections.delete(connection)
  }
}
