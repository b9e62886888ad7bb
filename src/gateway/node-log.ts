/** What the log says of broker nodes. */

import { BROKER_FAILURES } from '../brokers/broker-failures.ts'
import type { NodeChange } from '../brokers/broker-node.ts'
import type { Log } from '../ops/log.ts'

/** One line when a node goes away, and one when it is back. */
export function nodeLog(log: Log): (broker: string, change: NodeChange) => void {
  return (broker, { node, isUp, cause, detail, count }) => {
    if (isUp) return log.write('broker-node-back', { broker, node, count })
    const remedy = cause === undefined ? undefined : BROKER_FAILURES[cause].remedy
    log.write('broker-node-away', { broker, node, cause, detail, remedy, count })
  }
}
