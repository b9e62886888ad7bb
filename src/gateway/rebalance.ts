/** Sessions leave broker nodes that have too many of them, evenly and at quiet points; they come back on others. */
import type { Broker } from '../brokers/broker.ts'
import type { Log } from '../ops/log.ts'
import { REBALANCED } from '../sessions/end-requests.ts'
import type { Occupant } from '../sessions/place.ts'
import type { Sessions } from '../sessions/registry.ts'

/** To be called each second. */
export function rebalance(
  { name, nodes, settings }: Broker,
  { sessions, log }: { readonly sessions: Sessions; readonly log: Log },
  quietMs: number,
): void {
  const left = new Map(nodes.overfull())
  if (left.size === 0 || settings.rebalance === undefined) return
  const chosen: Occupant[] = []
  // The oldest first: those that have moved lately stay.
  for (const session of sessions.each()) {
    const { broker, node = '' } = session.record
    const count = left.get(node) ?? 0
    if (broker !== name || count === 0) continue
    left.set(node, count - 1)
    chosen.push(session)
  }
  log.write('broker-rebalanced', { broker: name, count: chosen.length })
  const overMs = (chosen.length / settings.rebalance.perSecond) * 1000
  sessions.endEvenly(chosen, REBALANCED, { overMs, quietMs })
}
