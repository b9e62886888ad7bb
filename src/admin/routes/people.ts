/** People at services: how fast all sessions of one are together, and which part of the limits they use. */
import { z } from 'zod'
import { identityKey } from '../../../auth/index.ts'
import type { LimitInUse } from '../../services/standing.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import type { Sessions } from '../../sessions/registry.ts'
import { json } from '../answer.ts'
import { readQuery } from '../input.ts'
import type { Lately } from '../live/lately.ts'
import { type ShownRates, sumOf } from '../live/live-rates.ts'
import type { Management } from '../management.ts'
import type { ApiRoute } from '../route.ts'
import { number } from './listing.ts'

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

export const peopleSchema = z.strictObject({ pageSize: number(1, 500).prefault(100) })

interface PeopleParts {
  readonly management: Management
  readonly sessions: Sessions
  readonly lately: Lately
}

export function peopleRoute({ management, sessions, lately: { rates } }: PeopleParts): ApiRoute {
  return {
    method: 'GET',
    path: '/api/v1/identities',
    role: 'viewer',
    handle({ query }) {
      const { pageSize } = readQuery(query, peopleSchema)
      const people = new Map<string, SessionRecord[]>()
      for (const { record } of sessions.each()) {
        const key = `${record.service} ${identityKey(record.identity)}`
        const own = people.get(key)
        if (own === undefined) people.set(key, [record])
        else own.push(record)
      }
      const ranked = [...people.values()]
        .map((records) => ({ records, rates: sumOf(records.flatMap((record) => rates.of(record) ?? [])) }))
        .sort((one, other) => carried(other.rates) - carried(one.rates))
      const items = ranked.slice(0, pageSize).flatMap((one) => shown(one.records, one.rates, management))
      return json(200, { total: people.size, items } satisfies PeoplePage)
    },
  }
}

function carried({ bytesFromClient, bytesToClient }: ShownRates): number {
  return bytesFromClient + bytesToClient
}

function shown(records: readonly SessionRecord[], rates: ShownRates, management: Management): ShownPerson[] {
  const [first] = records
  if (first === undefined) return []
  const { subject, issuer } = first.identity
  const { service } = first
  return [{ subject, issuer, service, sessions: records.length, rates, limits: management.limitsOf(first) }]
}
