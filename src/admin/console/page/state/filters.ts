/** Which sessions are meant: the vocabulary of the API's lists and kicks, as it stands in the page's address. */

export const FILTERS = [
  'subject',
  'issuer',
  'role',
  'service',
  'user',
  'vhost',
  'broker',
  'address',
  'authenticator',
  'session',
  'replica',
] as const

export type Filter = (typeof FILTERS)[number]

export interface Condition {
  readonly filter: Filter
  readonly value: string
}

/** As people read them. */
export const FILTER_NAMES: Readonly<Record<Filter, string>> = {
  subject: 'subject',
  issuer: 'issuer',
  role: 'role',
  service: 'service',
  user: 'broker user',
  vhost: 'vhost',
  broker: 'broker',
  address: 'address or range',
  authenticator: 'authenticator',
  session: 'session id',
  replica: 'gateway',
}

export function conditionsIn(query: URLSearchParams): readonly Condition[] {
  return FILTERS.flatMap((filter) => query.getAll(filter).map((value) => ({ filter, value })))
}

export function queryOf(conditions: readonly Condition[]): URLSearchParams {
  return new URLSearchParams(conditions.map(({ filter, value }): [string, string] => [filter, value]))
}

/** For a kick. */
export function matchOf(conditions: readonly Condition[]): Readonly<Record<string, readonly string[]>> {
  const match: Record<string, string[]> = {}
  for (const { filter, value } of conditions) match[filter] = [...(match[filter] ?? []), value]
  return match
}
