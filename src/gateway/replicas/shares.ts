/**
 * What identities use of their shares (`perIdentity`) at all gateways that share their state. Each counts for itself, says once
 * a second what has changed, and from time to time everything. So a share may be exceeded by what is taken within a second.
 */
import type { Lasting, UsageChange } from '../lasting.ts'
import { sumOfUsed, type Used } from './used.ts'

/** In this round everything is told: for gateways that have just started, and where the store has lost something. */
const WHOLE_EVERY = 10
/** Whoever has not said for so long that something is used does not use it any more, or is gone. */
const KEPT_MS = 25_000
/** In one word; a store does nothing else while it takes it. */
const MOST_TOLD = 1_000

interface Heard {
  readonly used: Used
  readonly atMs: number
}

export interface SharesParts {
  readonly lasting: Pick<Lasting, 'usageChanges' | 'usedElsewhere'>
  /** Tells all others. */
  tell(changes: readonly UsageChange[]): void
  /** Whether there is anybody to tell. */
  hasOthers(): boolean
  readonly nowMs?: () => number
}

export class SharesOfAll {
  readonly #of: SharesParts
  readonly #nowMs: () => number
  /** What is used here, by service and identity. */
  readonly #own = new Map<string, UsageChange>()
  /** What is used at others, by service and identity, and by gateway. */
  readonly #heard = new Map<string, { readonly service: string; readonly identity: string; by: Map<string, Heard> }>()
  #turn = 0

  constructor(parts: SharesParts) {
    this.#of = parts
    this.#nowMs = parts.nowMs ?? (() => Date.now())
  }

  /** Called once a second. */
  tick(): void {
    const { lasting, tell, hasOthers } = this.#of
    const nowMs = this.#nowMs()
    const changes = lasting.usageChanges(nowMs)
    for (const change of changes) {
      if (change.used === null) this.#own.delete(keyOf(change))
      else this.#own.set(keyOf(change), change)
    }
    this.#turn += 1
    this.#forget(nowMs)
    // Whoever begins here has to know what others have.
    lasting.usedElsewhere(changes.map((change) => this.#elsewhere(change)))
    if (!hasOthers()) return
    const told = this.#turn % WHOLE_EVERY === 0 ? [...this.#own.values()] : changes
    for (let from = 0; from < told.length; from += MOST_TOLD) tell(told.slice(from, from + MOST_TOLD))
  }

  /** Another gateway says what it uses. */
  said(gateway: string, changes: readonly UsageChange[]): void {
    const atMs = this.#nowMs()
    for (const { service, identity, used } of changes) {
      const key = keyOf({ service, identity })
      const heard = this.#heard.get(key) ?? { service, identity, by: new Map<string, Heard>() }
      if (used === null) heard.by.delete(gateway)
      else heard.by.set(gateway, { used, atMs })
      if (heard.by.size === 0) this.#heard.delete(key)
      else this.#heard.set(key, heard)
    }
    this.#of.lasting.usedElsewhere(changes.map((change) => this.#elsewhere(change)))
  }

  #elsewhere({ service, identity }: Pick<UsageChange, 'service' | 'identity'>): UsageChange {
    const all = [...(this.#heard.get(keyOf({ service, identity }))?.by.values() ?? [])]
    return { service, identity, used: sumOfUsed(all.map(({ used }) => used)) }
  }

  #forget(nowMs: number): void {
    const concerned: UsageChange[] = []
    for (const [key, { service, identity, by }] of this.#heard) {
      const before = by.size
      for (const [gateway, { atMs }] of by) if (atMs + KEPT_MS <= nowMs) by.delete(gateway)
      if (by.size === before) continue
      if (by.size === 0) this.#heard.delete(key)
      concerned.push(this.#elsewhere({ service, identity }))
    }
    this.#of.lasting.usedElsewhere(concerned)
  }
}

function keyOf({ service, identity }: Pick<UsageChange, 'service' | 'identity'>): string {
  return JSON.stringify([service, identity])
}
