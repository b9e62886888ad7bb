/**
 * What identities hold at the broker under a name, queues or exchanges: each counts once, from the moment its declaration is
 * forwarded until the broker has said that it is gone, or until it must be.
 */
import type { Declaration, Declarations } from '../track/declarations.ts'

/** Vhost and name in one key; or a declaration whose name the broker is still to say. */
export type HoldingKey = string | Declaration

interface Holding {
  /** Declarations that await the broker's answer. */
  awaited: number
  /** Stays when the session that declared it has gone. */
  stays: boolean
  /** For filters of the session with which it ends: one, and two while they are exchanged. */
  sessions: number
}

/** One identity's. */
export class Holdings {
  readonly #ledger: Ledger
  readonly #byKey = new Map<HoldingKey, Holding>()
  /** How many the same identity has at other processes, as they said last. */
  elsewhereCount = 0
  /** Whose declarations are counted here, each as often as there are filters that count them. */
  readonly #counted = new Map<Declarations, number>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  get ledger(): Ledger {
    return this.#ledger
  }

  get size(): number {
    return this.#byKey.size
  }

  /** A session's declarations are counted from now on. @returns whether they were before, by filters that leave next */
  enter(declarations: Declarations): boolean {
    const before = this.#counted.get(declarations) ?? 0
    this.#counted.set(declarations, before + 1)
    return before > 0
  }

  leave(declarations: Declarations): void {
    const before = this.#counted.get(declarations) ?? 0
    if (before > 1) this.#counted.set(declarations, before - 1)
    else this.#counted.delete(declarations)
  }

  has(key: HoldingKey): boolean {
    return this.#byKey.has(key)
  }

  /** A declaration is on its way. */
  await(key: HoldingKey): void {
    this.#at(key).awaited += 1
  }

  /** It is not any more, whatever came of it. */
  settle(key: HoldingKey): void {
    this.#change(key, (holding) => {
      holding.awaited -= 1
    })
  }

  /** It is there, and stays until it is deleted, or until nobody uses it any more. */
  keep(key: HoldingKey, isAutoDelete: boolean): void {
    this.#at(key).stays = true
    if (typeof key === 'string') this.#ledger.holds(this, key, isAutoDelete)
  }

  /** It is there for as long as a session is. */
  keepWithSession(key: string): void {
    this.#at(key).sessions += 1
  }

  leaveWithSession(key: string): void {
    this.#change(key, (holding) => {
      holding.sessions -= 1
    })
  }

  /** For the ledger: it is gone. */
  gone(key: string): void {
    this.#change(key, (holding) => {
      holding.stays = false
    })
  }

  /** Nobody asks for these any more. */
  forget(): void {
    for (const key of this.#byKey.keys()) if (typeof key === 'string') this.#ledger.forgets(this, key)
    this.#byKey.clear()
  }

  #at(key: HoldingKey): Holding {
    let holding = this.#byKey.get(key)
    if (holding === undefined) {
      holding = { awaited: 0, stays: false, sessions: 0 }
      this.#byKey.set(key, holding)
    }
    return holding
  }

  #change(key: HoldingKey, change: (holding: Holding) => void): void {
    const holding = this.#byKey.get(key)
    if (holding === undefined) return
    change(holding)
    if (holding.awaited === 0 && !holding.stays && holding.sessions === 0) this.#byKey.delete(key)
  }
}

/** What is known of one name, as long as somebody holds or uses it. */
interface Known {
  readonly holders: Set<Holdings>
  isAutoDelete: boolean
  /** Consumers that are there or on their way; whose consumer it is does not matter to the broker. */
  users: number
  /** Only what was used once goes when nobody uses it. [AMQP: queue.declare, auto-delete] */
  wasUsed: boolean
}

/** All identities' of one service: they share names, and what one deletes is gone for the others, too. */
export class Ledger {
  readonly #byKey = new Map<string, Known>()

  holds(holder: Holdings, key: string, isAutoDelete: boolean): void {
    const known = this.#at(key)
    known.holders.add(holder)
    known.isAutoDelete = isAutoDelete
  }

  forgets(holder: Holdings, key: string): void {
    const known = this.#byKey.get(key)
    if (known === undefined) return
    known.holders.delete(holder)
    this.#tidy(key, known)
  }

  /** A consumer is on its way to this queue. */
  uses(key: string): void {
    this.#at(key).users += 1
  }

  used(key: string): void {
    const known = this.#byKey.get(key)
    if (known !== undefined) known.wasUsed = true
  }

  /** One of those on their way, or there, is not any more. */
  unuses(key: string): void {
    const known = this.#byKey.get(key)
    if (known === undefined) return
    known.users -= 1
    if (known.isAutoDelete && known.wasUsed && known.users === 0) this.gone(key)
    else this.#tidy(key, known)
  }

  /** The broker does not have it any more. */
  gone(key: string): void {
    const known = this.#byKey.get(key)
    if (known === undefined) return
    for (const holder of known.holders) holder.gone(key)
    known.holders.clear()
    known.wasUsed = false
    this.#tidy(key, known)
  }

  #at(key: string): Known {
    let known = this.#byKey.get(key)
    if (known === undefined) {
      known = { holders: new Set(), isAutoDelete: false, users: 0, wasUsed: false }
      this.#byKey.set(key, known)
    }
    return known
  }

  #tidy(key: string, known: Known): void {
    if (known.holders.size === 0 && known.users === 0) this.#byKey.delete(key)
  }
}
