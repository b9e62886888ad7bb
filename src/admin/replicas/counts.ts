/** How many sessions there are, where, and what happens per second: of one gateway, and of all together. */
import type { Service } from '../../services/service.ts'
import type { Sessions } from '../../sessions/registry.ts'
import { type Rates, sumOfRates } from '../live/history.ts'

export interface CountedNode {
  /** The broker's key in the configuration. */
  readonly broker: string
  /** Its URL. */
  readonly node: string
  readonly sessions: number
}

export interface Counts {
  readonly sessions: number
  readonly services: readonly { readonly path: string; readonly sessions: number }[]
  /** Sessions that are being opened included. */
  readonly nodes: readonly CountedNode[]
  readonly rates: Rates
}

/** A generation, as far as it is counted. */
export interface CountedGeneration {
  readonly services: ReadonlyMap<string, Pick<Service, 'path' | 'tallied'>>
  readonly brokers: ReadonlyMap<
    string,
    { readonly nodes: { readonly all: readonly { readonly name: string; readonly sessionCount: number }[] } }
  >
}

/** Of this gateway, in one look at all sessions. */
export function countsHere(sessions: Sessions, { services, brokers }: CountedGeneration, rates: Rates): Counts {
  const ofServices = new Map<string, number>()
  for (const path of services.keys()) ofServices.set(path, 0)
  for (const { record } of sessions.each()) ofServices.set(record.service, (ofServices.get(record.service) ?? 0) + 1)
  const nodes = [...brokers].flatMap(
    ([
      broker,
      {
        nodes: { all },
      },
    ]) => all.map(({ name: node, sessionCount }) => ({ broker, node, sessions: sessionCount })),
  )
  return { sessions: sessions.count, services: entriesOf(ofServices), nodes, rates }
}

/** Of several gateways. Those with another configuration may have other services. */
export function sumOfCounts(all: readonly Counts[]): Counts {
  const ofServices = new Map<string, number>()
  const ofNodes = new Map<string, CountedNode>()
  for (const { services, nodes } of all) {
    for (const { path, sessions } of services) ofServices.set(path, (ofServices.get(path) ?? 0) + sessions)
    for (const one of nodes) {
      const key = JSON.stringify([one.broker, one.node])
      ofNodes.set(key, { ...one, sessions: (ofNodes.get(key)?.sessions ?? 0) + one.sessions })
    }
  }
  return {
    sessions: all.reduce((sum, one) => sum + one.sessions, 0),
    services: entriesOf(ofServices),
    nodes: [...ofNodes.values()],
    rates: sumOfRates(all.map(({ rates }) => rates)),
  }
}

function entriesOf(services: ReadonlyMap<string, number>): Counts['services'] {
  return [...services].map(([path, sessions]) => ({ path, sessions }))
}
