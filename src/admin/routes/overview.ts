/** The gateway at a glance: what is in force, and how many sessions each service and broker node has. */
import { hostname } from 'node:os'
import { hashOf } from '../../config/effective/hash.ts'
import type { Config } from '../../config/schema/schema.ts'
import type { Health } from '../../ops/health.ts'
import { version } from '../../ops/version.ts'
import type { Sessions } from '../../sessions/registry.ts'
import { json } from '../answer.ts'
import type { ApiRoute } from '../route.ts'

export interface Overseen {
  readonly managed: { readonly current: { readonly number: number; readonly config: Config } }
  readonly sessions: Sessions
  readonly health: Health
}

export function overviewRoute({ managed, sessions, health }: Overseen): ApiRoute {
  return {
    method: 'GET',
    path: '/api/v1/overview',
    role: 'viewer',
    async handle() {
      const { draining, brokers } = await health.readiness()
      const { number, config } = managed.current
      const { ofServices, ofBrokers } = counted(sessions)
      return json(200, {
        name: hostname(),
        version: version(),
        generation: number,
        hash: hashOf(config),
        draining,
        sessions: sessions.count,
        services: config.services.map(({ path }) => ({ path, sessions: ofServices.get(path) ?? 0 })),
        brokers: brokers.map(({ name, ready }) => ({
          name,
          ready,
          nodes: [...(ofBrokers.get(name) ?? [])].map(([url, count]) => ({ url, sessions: count })),
        })),
      })
    },
  }
}

/** In one look at all sessions. */
function counted(sessions: Sessions) {
  const ofServices = new Map<string, number>()
  const ofBrokers = new Map<string, Map<string, number>>()
  for (const { record } of sessions.each()) {
    const { service, broker, node } = record
    ofServices.set(service, (ofServices.get(service) ?? 0) + 1)
    if (node === undefined) continue
    const nodes = ofBrokers.get(broker) ?? new Map<string, number>()
    ofBrokers.set(broker, nodes.set(node, (nodes.get(node) ?? 0) + 1))
  }
  return { ofServices, ofBrokers }
}
