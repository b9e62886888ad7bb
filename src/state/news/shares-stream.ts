/**
 * What identities use of their shares at each gateway, told to all others in a stream of its own. Each word of a gateway is
 * sealed and counted, so that nobody repeats an old one.
 */
import { randomUUID } from 'node:crypto'
import type { Sealer } from '../sealing.ts'
import type { Store } from '../store.ts'
import type { StreamFollower } from './reader.ts'
import type { StreamRow } from './rows.ts'

const KIND = 'shares'
/** Those of the last seconds: whoever starts gets to know the rest with the next round. */
const MOST_ENTRIES = 1_000
/** Whatever is older says nothing of now. */
const KEPT_MS = 60_000
/** More than there are gateways in that time. */
const MOST_GATEWAYS = 10_000

interface Word {
  /** Counts up for each gateway. */
  readonly turn: number
  readonly untilMs: number
  readonly shares: unknown
}

export interface SharesStreamOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly keys: (name: string) => string
  /** This gateway's id. */
  readonly self: string
  /** Acts on what another gateway says. Must not throw. */
  readonly said: (gateway: string, shares: unknown) => void
  readonly nowMs?: () => number
}

export class SharesStream implements StreamFollower {
  readonly key: string
  readonly knowsSome = false
  readonly #of: SharesStreamOptions
  readonly #nowMs: () => number
  /** By gateway: the last turn that was acted on. */
  readonly #turns = new Map<string, number>()
  #turn = 0

  constructor(options: SharesStreamOptions) {
    this.#of = options
    this.#nowMs = options.nowMs ?? (() => Date.now())
    this.key = options.keys('shares')
  }

  /** What the store does not take is told with the next round. */
  tell(shares: unknown): void {
    const { store, sealer, self } = this.#of
    this.#turn += 1
    const number = `${self}:${randomUUID()}`
    const word: Word = { turn: this.#turn, untilMs: this.#nowMs() + KEPT_MS, shares }
    const sealed = sealer.seal(JSON.stringify(word), { kind: KIND, name: number })
    store
      .run('stream', 'XADD', this.key, 'MAXLEN', '~', MOST_ENTRIES, '*', 'n', number, 's', sealed)
      .catch(() => undefined)
  }

  received({ number, sealed }: StreamRow): void {
    const { self, sealer, said } = this.#of
    const [gateway = ''] = number.split(':')
    if (gateway === self) return
    const text = sealer.open(sealed, { kind: KIND, name: number })
    if (text === undefined) return
    const { turn, untilMs, shares } = JSON.parse(text) as Word
    if (untilMs <= this.#nowMs() || turn <= (this.#turns.get(gateway) ?? 0)) return
    this.#know(gateway, turn)
    said(gateway, shares)
  }

  async caughtUp(): Promise<void> {
    // What the store has lost is told again with the next round.
  }

  again(): void {
    // What was acted on is not acted on again.
  }

  #know(gateway: string, turn: number): void {
    this.#turns.delete(gateway)
    this.#turns.set(gateway, turn)
    const [oldest] = this.#turns.keys()
    if (this.#turns.size > MOST_GATEWAYS && oldest !== undefined) this.#turns.delete(oldest)
  }
}
