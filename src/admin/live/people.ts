/** People at services: how fast all sessions of one are together, and which part of the limits they use. */
import { identityKey } from '../../../auth/index.ts'
import type { LimitInUse } from '../../services/standing.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import type { Sessions } from '../../sessions/registry.ts'
import { type LiveRates, type ShownRates, sumOf } from './live-rates.ts'

/** A person at one service. */
export interface ShownPerson {
  readonly subject: string
  readonly issuer: string
  /** The service's path. */
  readonly service: string
  readonly sessions: number
  readonly rates: ShownRates
  /** By the limit's name in the configuration; `null` where the rules of today would let no session begin. */
  readonly limits: Readonly<Record<string, LimitInUse>> | null
}

export interface PeoplePage {
  readonly total: number
  readonly items: readonly ShownPerson[]
}

interface PeopleParts {
  readonly sessions: Sessions
  readonly rates: LiveRates
  limitsOf(record: SessionRecord): ShownPerson['limits']
}

/** Those of this gateway who carry most. */
export function peopleHere({ sessions, rates, limitsOf }: PeopleParts, most: number): PeoplePage {
  const people = new Map<string, SessionRecord[]>()
  for (const { record } of sessions.each()) {
    const key = `${record.service} ${identityKey(record.identity)}`
    const own = people.get(key)
    if (own === undefined) people.set(key, [record])
    else own.push(record)
  }
  const ranked = [...people.values()]
    .map((records) => ({ records, rates: sumOf(records.flatMap((record) => rates.of(record) ?? [])) }))
    .sort(byCarried)
  const items = ranked.slice(0, most).flatMap(({ records, rates: together }): ShownPerson[] => {
    const [first] = records
    if (first === undefined) return []
    const { service, identity } = first
    const { subject, issuer } = identity
    return [{ subject, issuer, service, sessions: records.length, rates: together, limits: limitsOf(first) }]
  })
  return { total: people.size, items }
}

/** Those of several gateways. Who is on no page of theirs is counted once for each gateway. */
export function mergedPeople(pages: readonly PeoplePage[], most: number): PeoplePage {
  const people = new Map<string, ShownPerson>()
  for (const one of pages.flatMap(({ items }) => items)) {
    const key = `${one.service} ${identityKey(one)}`
    const known = people.get(key)
    people.set(key, known === undefined ? one : together(known, one))
  }
  const unseen = pages.reduce((sum, { total, items }) => sum + total - items.length, 0)
  return { total: people.size + unseen, items: [...people.values()].sort(byCarried).slice(0, most) }
}

function together(one: ShownPerson, other: ShownPerson): ShownPerson {
  return {
    ...one,
    sessions: one.sessions + other.sessions,
    rates: sumOf([one.rates, other.rates]),
    limits: limitsTogether(one.limits, other.limits),
  }
}

/** One of them may have rules that would not let the person in. */
function limitsTogether(one: ShownPerson['limits'], other: ShownPerson['limits']): ShownPerson['limits'] {
  if (one === null || other === null) return one ?? other
  return Object.fromEntries(
    Object.entries(one).map(([name, { used, of }]) => {
      const more = other[name]?.used
      return [name, { used: used === null || more === null ? null : used + (more ?? 0), of }]
    }),
  )
}

function byCarried(one: { readonly rates: ShownRates }, other: { readonly rates: ShownRates }): number {
  return carried(other.rates) - carried(one.rates)
}

function carried({ bytesFromClient, bytesToClient }: ShownRates): number {
  return bytesFromClient + bytesToClient
}
