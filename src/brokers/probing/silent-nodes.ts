/** Which nodes of a broker do not greet: a login needs one of them only, and says nothing of the others. */
import { BrokerUnavailable, probeBroker, TcpDialler } from '../../../proxy/index.ts'
import type { BrokerConfig } from '../../config/schema/schema.ts'
import { brokerTarget } from '../broker.ts'

/** Resolves with what is wrong, each with the node's URL; with nothing where there is one node, which the login asks. */
export async function silentNodes(broker: BrokerConfig): Promise<readonly string[]> {
  const target = brokerTarget(broker)
  if (target.urls.length < 2) return []
  const timeoutMs = broker.probe.timeout
  const asked = await Promise.allSettled(
    target.urls.map(async (url) => await probeBroker(new TcpDialler(url, target), timeoutMs)),
  )
  return asked.flatMap((one) => (one.status === 'fulfilled' ? [] : [BrokerUnavailable.from(one.reason).message]))
}
