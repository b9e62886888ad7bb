/** Which series of metrics there are from the first scrape on: all that something may happen to in this generation. */
import { REFUSALS } from '../http/refusal.ts'
import { DROPS } from '../http/server/drops.ts'
import type { Metrics } from '../ops/metrics.ts'
import { ENDS } from '../sessions/end-reasons.ts'
import type { Generation } from './generation.ts'

export function expectSeries(
  metrics: Metrics,
  { services, brokers, authenticators, adminAuthenticators }: Generation,
): void {
  const entitled = [...services.values()].filter(({ entitlements }) => entitlements !== undefined)
  metrics.expect({
    services: services.keys(),
    entitled: entitled.map(({ path }) => path),
    brokers: brokers.keys(),
    authenticators: new Set([...authenticators.keys(), ...adminAuthenticators.keys()]),
    refusals: Object.keys(REFUSALS),
    drops: Object.keys(DROPS),
    ends: Object.keys(ENDS) as (keyof typeof ENDS)[],
  })
}
