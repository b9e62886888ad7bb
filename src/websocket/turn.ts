/**
 * The event loop's turn, shared fairly by all clients. libuv reads up to 2 MiB from a socket before it looks at the next
 * one, and ws works through all of it at once: a few clients that send pings or crumbs could keep everybody waiting.
 *
 * So once clients have had their time in a turn, each that took more than a little of it rests, and who comes to the door
 * or leaves waits. Those who rest or wait go on in their order, as many in each turn as there is time for, one at least.
 *
 * To hear of a turn's end costs a look at all sockets, about as much as a small message. So a little work is only added
 * up, over several turns if need be, and a turn is watched once that is more than a little, or when somebody comes or leaves.
 */

/** What clients may take of one turn together. A client that sends in bulk is done sooner. */
const TURN_MS = 2
/** What nobody rests for: a few messages of somebody who waits for the answers. */
const LITTLE_MS = 0.25

export class Turn {
  /** Of this process: it has one event loop. */
  static readonly current = new Turn()

  readonly nowMs: () => number
  readonly #resting: (() => void)[] = []
  /** Goes up where a turn begins to be watched, and where it ends. */
  number = 0
  #isWatched = false
  #startedMs = 0
  /** What clients have taken since the last turn that was watched. */
  #unwatchedMs = 0

  constructor(nowMs: () => number = () => performance.now()) {
    this.nowMs = nowMs
  }

  /** Notes what a client has taken just now. */
  took(ms: number, nowMs: number): void {
    if (this.#isWatched) return
    this.#unwatchedMs += ms
    if (this.#unwatchedMs >= LITTLE_MS) this.#watch(nowMs - this.#unwatchedMs)
  }

  isOver(nowMs: number): boolean {
    return this.#isWatched && nowMs - this.#startedMs >= TURN_MS
  }

  /** For work that nobody has begun yet: done at once while there is time and nobody waits, or else in a later turn. */
  run(work: () => void): void {
    const nowMs = this.nowMs()
    this.#watch(nowMs)
    if (this.#resting.length === 0 && !this.isOver(nowMs)) work()
    else this.rest(work)
  }

  /** The same for work that goes on after an `await`. */
  async wait(): Promise<void> {
    await new Promise<void>((resolve) => this.run(resolve))
  }

  /** Calls back in a later turn. */
  rest(goOn: () => void): void {
    this.#resting.push(goOn)
    this.#watch(this.nowMs())
  }

  /** The turn's end will be heard of; it began at `startedMs`, or a little is held against it that was done before. */
  #watch(startedMs: number): void {
    if (this.#isWatched) return
    this.#isWatched = true
    this.number++
    this.#startedMs = startedMs
    setImmediate(() => this.#next())
  }

  #next(): void {
    this.number++
    this.#isWatched = false
    this.#unwatchedMs = 0
    if (this.#resting.length === 0) return
    this.#watch(this.nowMs())
    this.#goOn()
  }

  /** What is left is known only when what has gone on is done. */
  #goOn(): void {
    const goOn = this.#resting.shift()
    if (goOn === undefined) return
    goOn()
    afterwards(() => {
      if (!this.isOver(this.nowMs())) this.#goOn()
    })
  }
}

/**
 * Calls back when all is done that follows from what has just been called: Node works through what a resumed socket holds
 * in one tick, and through promises that wait for each other in the microtasks between that and the next.
 */
function afterwards(callback: () => void): void {
  process.nextTick(() => queueMicrotask(() => process.nextTick(callback)))
}

/** One client's part of the turn. */
export class Share {
  readonly #turn: Turn
  #number = 0
  #startedMs = 0
  #takenMs = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** Something of this client's has arrived and is worked on from here to `end`. */
  start(): void {
    if (this.#number !== this.#turn.number) this.#takenMs = 0
    this.#number = this.#turn.number
    this.#startedMs = this.#turn.nowMs()
  }

  /** It is dealt with. Returns whether this client has to rest. */
  end(): boolean {
    const nowMs = this.#turn.nowMs()
    const tookMs = nowMs - this.#startedMs
    this.#takenMs += tookMs
    this.#turn.took(tookMs, nowMs)
    // If this is what made the turn one to be watched, it counts in it.
    this.#number = this.#turn.number
    return this.#takenMs >= LITTLE_MS && this.#turn.isOver(nowMs)
  }
}
