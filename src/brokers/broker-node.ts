/**
 * One node of a broker: whether it answers, as far as is known, and how many sessions it has. A node that refused, timed
 * out or went into maintenance is away until a probe gets its `start`; what it is asked then is never a login.
 *
 * Invariant: each change is reported once, whoever found out.
 */
import {
  type BrokerFailure,
  BrokerUnavailable,
  type Dialled,
  type Dialler,
  type DialRequest,
} from '../../proxy/index.ts'

/** A node that is back gets its full share of new sessions only after so long. */
const SLOW_START_MS = 30_000
/** So small is its share at first. */
const FIRST_SHARE = 0.1
/** An answer is good for so long, however many sessions ask. */
const ANSWER_MS = 500

/** Resolves when the node has greeted. */
export type Probe = (dialler: Dialler, timeoutMs: number) => Promise<unknown>

export interface NodeSettings {
  readonly dialler: Dialler
  readonly probeTimeoutMs: number
}

/** A node went away, or is back. */
export interface NodeChange {
  readonly node: string
  readonly isUp: boolean
  readonly cause?: BrokerFailure
  /** For operators. */
  readonly detail?: string
  /** Away: sessions that it had. */
  readonly count: number
}

export interface NodeSurroundings {
  readonly probe: Probe
  readonly nowMs: () => number
  readonly observe: (change: NodeChange) => void
}

export class BrokerNode implements Pick<Dialler, 'dial'> {
  readonly name: string
  settings: NodeSettings
  readonly #around: NodeSurroundings
  #failure: BrokerUnavailable | undefined
  #sessionCount = 0
  /** Sessions whose connection it has ended since it answered last. */
  #lostCount = 0
  #answeredAtMs = Number.NEGATIVE_INFINITY
  /** Since when it is there again, after it was away. */
  backAtMs = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined

  constructor(name: string, settings: NodeSettings, around: NodeSurroundings) {
    this.name = name
    this.settings = settings
    this.#around = around
  }

  get isUp(): boolean {
    return this.#failure === undefined
  }

  /** Why it is away. */
  get failure(): BrokerUnavailable | undefined {
    return this.#failure
  }

  /** Those that are being opened count, too. */
  get sessionCount(): number {
    return this.#sessionCount
  }

  /** Its part of the sessions that it would get by itself: 1, or less for a while after it was away. */
  get share(): number {
    const part = (this.#around.nowMs() - this.backAtMs) / SLOW_START_MS
    return Math.min(1, FIRST_SHARE + part)
  }

  /** @throws {BrokerUnavailable} and the node is away then, unless the session had no time for it */
  async dial(request: DialRequest): Promise<Dialled> {
    this.#sessionCount++
    try {
      const dialled = await this.settings.dialler.dial(request)
      dialled.stream.once('close', () => this.#closed(dialled))
      // That it took the connection is no answer yet: a node that hangs does so, too.
      this.#lostCount = 0
      return dialled
    } catch (error) {
      this.#sessionCount--
      const unavailable = BrokerUnavailable.from(error)
      const hadTime = unavailable.failure !== 'timeout' || request.timeoutMs >= this.settings.probeTimeoutMs
      if (!request.giveUp.isGivenUp && hadTime) this.away(unavailable)
      throw unavailable
    }
  }

  /** It has said or shown that it serves nobody. */
  away(failure: BrokerUnavailable): void {
    const wasUp = this.isUp
    this.#failure = failure
    this.#answeredAtMs = this.#around.nowMs()
    if (!wasUp) return
    const count = this.#sessionCount + this.#lostCount
    this.#lostCount = 0
    const { failure: cause, message: detail } = failure
    this.#around.observe({ node: this.name, isUp: false, cause, detail, count })
  }

  /** Asks it, unless it has answered lately. One question serves all. Never rejects. */
  async ask(freshMs = ANSWER_MS): Promise<void> {
    if (this.#asking === undefined && this.#around.nowMs() - this.#answeredAtMs < freshMs) return
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    await this.#asking
  }

  async #ask(): Promise<void> {
    const { dialler, probeTimeoutMs } = this.settings
    try {
      await this.#around.probe(dialler, probeTimeoutMs)
      this.#answered()
    } catch (error) {
      this.away(BrokerUnavailable.from(error))
    }
  }

  #answered(): void {
    this.#answeredAtMs = this.#around.nowMs()
    this.#lostCount = 0
    if (this.isUp) return
    this.#failure = undefined
    this.backAtMs = this.#answeredAtMs
    this.#around.observe({ node: this.name, isUp: true, count: 0 })
  }

  /** What it answered before it ended a connection is old news. */
  #closed({ stream }: Dialled): void {
    this.#sessionCount--
    if (stream.readableEnded || stream.errored !== null) {
      this.#lostCount++
      this.#answeredAtMs = Number.NEGATIVE_INFINITY
    }
  }
}
