/** Every metric that there is, from the objects that the gateway and the door themselves use. */

import { REFUSALS } from '../../src/http/refusal.ts'
import { DROPS } from '../../src/http/server/drops.ts'
import { DoorMetrics } from '../../src/ops/door-metrics.ts'
import { Metrics } from '../../src/ops/metrics.ts'
import { Traffic } from '../../src/ops/traffic.ts'
import { ENDS } from '../../src/sessions/end-reasons.ts'
import { DOOR_REFUSALS } from '../../src/tunnel/door/causes.ts'

export interface KnownMetric {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labels: readonly string[]
  /** For labels of closed sets: all values. Others take theirs from the configuration. */
  readonly values: ReadonlyMap<string, ReadonlySet<string>>
}

const CLOSED = new Set(['cause', 'reason', 'outcome', 'at', 'direction', 'mode', 'kind'])

/** Of a gateway. */
export async function gatewayMetrics(): Promise<KnownMetric[]> {
  const metrics = new Metrics({ traffic: new Traffic(), bufferedBytes: () => 0, auditLostCount: () => 0 })
  metrics.watchNodes(() => [])
  metrics.watchState([])
  metrics.watchEntitlements(() => 0)
  metrics.watchDoors(() => [])
  metrics.watchLimits({ isDraining: () => false, sockets: () => 0, descriptorLimit: 0, certificates: () => [] })
  metrics.expect({
    services: ['any'],
    entitled: ['any'],
    brokers: ['any'],
    authenticators: ['any'],
    refusals: Object.keys(REFUSALS),
    drops: Object.keys(DROPS),
    ends: Object.keys(ENDS) as (keyof typeof ENDS)[],
  })
  return await known(metrics)
}

/** Of a door, without those of its process. */
export async function doorMetrics(): Promise<KnownMetric[]> {
  const metrics = new DoorMetrics({ sites: () => [], clientCount: () => 0, refusals: Object.keys(DOOR_REFUSALS) })
  return (await known(metrics)).filter(({ name }) => name.startsWith('gatehouse_door_'))
}

async function known(metrics: Pick<Metrics, 'describe' | 'text' | 'close'>): Promise<KnownMetric[]> {
  const text = await metrics.text()
  const described = metrics.describe()
  metrics.close()
  return described.map((metric) => ({ ...metric, values: valuesIn(text, metric.name) }))
}

function valuesIn(text: string, name: string): Map<string, ReadonlySet<string>> {
  const values = new Map<string, Set<string>>()
  for (const [, sample, labels = ''] of text.matchAll(/^(\w+)\{([^}]*)\}/gm)) {
    if (sample !== name) continue
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      if (CLOSED.has(label)) values.set(label, (values.get(label) ?? new Set()).add(value))
    }
  }
  return values
}
