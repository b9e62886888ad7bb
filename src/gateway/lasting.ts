/**
 * Everything that outlives a configuration: what counts, what remembers, what is under way. It is made once and handed to
 * each generation, which holds none of it itself.
 */
import { type AuthState, HashQueue } from '../../auth/index.ts'
import { Usages, type UsedElsewhere } from '../../proxy/index.ts'
import type { NodeChange } from '../brokers/broker-node.ts'
import { BrokerNodes, type NodesSettings } from '../brokers/broker-nodes.ts'
import { HoldOffs } from '../brokers/hold-offs.ts'
import { TicketCookies } from '../http/auth/ticket-cookies.ts'
import { Bars } from '../sessions/bars.ts'

/** What one identity uses at one service. */
export interface UsageChange {
  readonly service: string
  readonly identity: string
  /** `null`: it is not here any more. */
  readonly used: UsedElsewhere | null
}

export class Lasting {
  /** Shared by all that compute password hashes. */
  readonly hashQueue = new HashQueue()
  /** What authenticators remember, by `stateScope`. */
  readonly authState: AuthState
  /** Who may not come in for the time being. */
  readonly bars = new Bars()
  /** Ticket cookies that may not have come back. */
  readonly ticketCookies = new TicketCookies()
  readonly #holdOffs = new Map<string, HoldOffs>()
  readonly #nodes = new Map<string, BrokerNodes>()
  readonly #observeNode: (broker: string, change: NodeChange) => void
  readonly #usages = new Map<string, Usages>()

  /**
   * @param authState in memory, or shared with others
   * @param observeNode called when a node of a broker goes away or is back
   */
  constructor(authState: AuthState, observeNode: (broker: string, change: NodeChange) => void) {
    this.authState = authState
    this.#observeNode = observeNode
  }

  /** What a broker has said no to lately. */
  holdOffs(broker: string): HoldOffs {
    return kept(this.#holdOffs, broker, () => new HoldOffs())
  }

  /** Everything may be tried at brokers again, at once: somebody has changed something. */
  endHoldOffs(): void {
    for (const holdOffs of this.#holdOffs.values()) holdOffs.clear()
  }

  /** The nodes of a broker, by these settings until others are applied. */
  nodes(broker: string, settings: NodesSettings): BrokerNodes {
    const observe = (change: NodeChange) => {
      // Its noes may have been those of a broker that was on its way.
      if (change.isUp) this.holdOffs(broker).clear()
      this.#observeNode(broker, change)
    }
    return kept(this.#nodes, broker, () => new BrokerNodes(settings, { observe }))
  }

  /** What the identities of a service use, by its path. */
  usages(service: string): Usages {
    return kept(this.#usages, service, () => new Usages())
  }

  /** What identities use at services, where it is not what was told last: for other processes of the gateway. */
  usageChanges(nowMs: number): readonly UsageChange[] {
    return [...this.#usages].flatMap(([service, usages]) =>
      [...usages.changes(nowMs)].map(([identity, used]): UsageChange => ({ service, identity, used })),
    )
  }

  /** What identities use at services of other processes. */
  usedElsewhere(changes: readonly UsageChange[]): void {
    for (const { service, identity, used } of changes)
      if (used !== null) this.#usages.get(service)?.usedElsewhere(identity, used)
  }
}

function kept<T>(map: Map<string, T>, key: string, make: () => T): T {
  let found = map.get(key)
  if (found === undefined) {
    found = make()
    map.set(key, found)
  }
  return found
}
