/**
 * What one identity uses, over all its sessions: counts, and buckets for what it publishes. Kept in this process only, and
 * for a minute after the last session has gone, so that connecting again gains nothing.
 */
import { Holdings, Ledger } from './holdings.ts'

/** How long a usage that nobody adds to is remembered. */
const REMEMBERED_MS = 60_000

/** What was not used may be used later, up to so much of it. */
const BURST_SECONDS = 1

/** A rate that is kept by waiting: what is taken too early is owed. */
export class Bucket {
  #level: number | undefined
  #atMs = 0

  /** When something was taken last. */
  get takenMs(): number {
    return this.#level === undefined ? Number.NEGATIVE_INFINITY : this.#atMs
  }

  /** @returns for how many ms nothing more should be taken; 0: go on */
  take(amount: number, perSecond: number, nowMs: number): number {
    const capacity = perSecond * BURST_SECONDS
    const refilled = this.#level === undefined ? capacity : this.#level + ((nowMs - this.#atMs) / 1000) * perSecond
    this.#level = Math.min(capacity, refilled) - amount
    this.#atMs = nowMs
    return this.#level >= 0 ? 0 : Math.ceil((-this.#level / perSecond) * 1000)
  }
}

/** What the identities of a service hold at its broker, of each kind. */
class Ledgers {
  readonly queues: Ledger = new Ledger()
  readonly exchanges: Ledger = new Ledger()
}

export class Usage {
  channels = 0
  consumers = 0
  /** At other processes that serve the same. */
  #elsewhere: UsedElsewhere = NOWHERE
  readonly queues: Holdings
  readonly exchanges: Holdings
  readonly publishesPerSecond: Bucket = new Bucket()
  readonly publishBytesPerSecond: Bucket = new Bucket()
  /** How many filters of live sessions add to it. */
  users = 0
  idleSinceMs = 0

  constructor({ queues, exchanges }: Ledgers) {
    this.queues = new Holdings(queues)
    this.exchanges = new Holdings(exchanges)
  }

  get elsewhere(): UsedElsewhere {
    return this.#elsewhere
  }

  set elsewhere(used: UsedElsewhere) {
    this.#elsewhere = used
    this.queues.elsewhereCount = used.queues
    this.exchanges.elsewhereCount = used.exchanges
  }

  /** Whether anything was published since `sinceMs`, where that is limited. */
  hasPublished(sinceMs: number): boolean {
    return Math.max(this.publishesPerSecond.takenMs, this.publishBytesPerSecond.takenMs) >= sinceMs
  }
}

/** How much one identity uses of the shares that are counts. */
export interface UsedShares {
  readonly channels: number
  readonly consumers: number
  readonly queues: number
  readonly exchanges: number
}

/** The same at one process or at several, and at how many of them it publishes. */
export interface UsedElsewhere extends UsedShares {
  readonly publishers: number
}

const NOWHERE: UsedElsewhere = { channels: 0, consumers: 0, queues: 0, exchanges: 0, publishers: 0 }
/** Whoever has published nothing for so long leaves the rate to others. */
const PUBLISHES_MS = 2_000
const NOTHING_TOLD = '0 0 0 0 0'

/** The usages of all identities of a service. */
export class Usages {
  readonly #byIdentity = new Map<string, Usage>()
  readonly #ledgers = new Ledgers()
  /** What others were told, where there are others. */
  readonly #told = new WeakMap<Usage, string>()
  /** Those of whom others were told, and who are forgotten. */
  readonly #gone = new Set<string>()
  #sweptMs = 0

  /** For one user more, to be given back with `leave`. `identity` is issuer and subject in one key. */
  enter(identity: string, nowMs: number): Usage {
    this.#sweep(nowMs)
    const usage = this.#byIdentity.get(identity) ?? new Usage(this.#ledgers)
    this.#byIdentity.set(identity, usage)
    usage.users += 1
    return usage
  }

  /** What an identity uses, of what is counted by limits; undefined where nothing of it is remembered. */
  usedBy(identity: string): UsedShares | undefined {
    const usage = this.#byIdentity.get(identity)
    if (usage === undefined) return undefined
    const { channels, consumers, queues, exchanges } = usage
    return { channels, consumers, queues: queues.size, exchanges: exchanges.size }
  }

  /** What each identity uses, where it is not what was told last, for other processes that serve the same; `null`: nothing is remembered. */
  *changes(nowMs: number): IterableIterator<readonly [identity: string, used: UsedElsewhere | null]> {
    for (const identity of this.#gone) yield [identity, null]
    this.#gone.clear()
    for (const [identity, usage] of this.#byIdentity) {
      const { channels, consumers, queues, exchanges } = usage
      const publishers = Number(usage.hasPublished(nowMs - PUBLISHES_MS))
      const used = { channels, consumers, queues: queues.size, exchanges: exchanges.size, publishers }
      const text = Object.values(used).join(' ')
      if (text === (this.#told.get(usage) ?? NOTHING_TOLD)) continue
      this.#told.set(usage, text)
      yield [identity, used]
    }
  }

  /** What an identity uses at other processes. One that is not here begins with it when it is. */
  usedElsewhere(identity: string, used: UsedElsewhere): void {
    const usage = this.#byIdentity.get(identity)
    if (usage !== undefined) usage.elsewhere = used
  }

  leave(usage: Usage, nowMs: number): void {
    usage.users -= 1
    usage.idleSinceMs = nowMs
  }

  /** How many identities are remembered. */
  get size(): number {
    return this.#byIdentity.size
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < REMEMBERED_MS) return
    this.#sweptMs = nowMs
    for (const [identity, usage] of this.#byIdentity) {
      if (usage.users > 0 || nowMs - usage.idleSinceMs < REMEMBERED_MS) continue
      this.#byIdentity.delete(identity)
      if (this.#told.has(usage)) this.#gone.add(identity)
      usage.queues.forget()
      usage.exchanges.forget()
    }
  }
}
