/** One page of sessions. Of all that match, those up to the page's end are held, and some more, however many there are. */
import { z } from 'zod'
import type { Occupant } from '../../sessions/place.ts'
import type { SessionRecord } from '../../sessions/record.ts'
import { isEmptyMatch, matcherOf, matchFields } from '../match.ts'
import type { Here } from '../replicas/here.ts'
import type { SessionPage, ShownSession } from '../shapes.ts'
import { shownSession } from './shown-session.ts'

type Key = string | number | undefined

/** So many candidates for a page are gathered before they are sorted. */
const SORTED_AT_ONCE = 1_024

const SORTS = {
  id: ({ id }) => id,
  subject: ({ identity }) => identity.subject,
  issuer: ({ identity }) => identity.issuer,
  authenticator: ({ identity }) => identity.authenticator,
  service: ({ service }) => service,
  broker: ({ broker }) => broker,
  node: ({ node }) => node,
  user: ({ user }) => user,
  vhost: ({ vhost }) => vhost,
  address: ({ address }) => address,
  openedAt: ({ startedAtMs }) => startedAtMs,
  expiresAt: ({ expiresAtMs }) => expiresAtMs,
  rule: ({ rule }) => rule,
  bytesFromClient: ({ bytesFromClient }) => bytesFromClient,
  bytesToClient: ({ bytesToClient }) => bytesToClient,
  channels: ({ channels }) => channels,
  consumers: ({ consumers }) => consumers,
  messagesFromClient: ({ messagesFromClient }) => messagesFromClient,
  messagesToClient: ({ messagesToClient }) => messagesToClient,
} as const satisfies Readonly<Record<string, (record: SessionRecord) => Key>>

type SortKey = keyof typeof SORTS

const SORT_KEYS = Object.keys(SORTS) as readonly SortKey[]
const SORT_TEXT = `expected one of ${SORT_KEYS.join(', ')}, with - before it for the opposite order`

const sort = z.enum(
  SORT_KEYS.flatMap((key): readonly (SortKey | `-${SortKey}`)[] => [key, `-${key}`]),
  { error: SORT_TEXT },
)

/** A number in a query, or from code. */
export function number(least: number, most: number) {
  const error = `expected a whole number from ${least} to ${most}`
  return z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^\d{1,7}$/)
          .transform(Number),
      ],
      { error },
    )
    .refine((value) => Number.isInteger(value) && value >= least && value <= most, { error })
}

export const listingSchema = z.strictObject({
  ...matchFields,
  sort: sort.prefault('openedAt'),
  page: number(1, 1_000_000).prefault(1),
  pageSize: number(1, 500).prefault(100),
})

export type Listing = z.output<typeof listingSchema>

/** As the registry has them. */
export interface ByAge {
  readonly count: number
  /** The oldest first. */
  each(): Iterable<Occupant>
  youngestFirst(): Iterable<Occupant>
}

/** Whether it is all of them, in the order of their age. */
export function isOfAllByAge({ page: _page, pageSize: _pageSize, sort: by, ...match }: Listing): boolean {
  return (by === 'openedAt' || by === '-openedAt') && isEmptyMatch(match)
}

/** Of one process, where `isOfAllByAge`: of many thousands of sessions, nobody looks at those behind the page. */
export function pageByAge(sessions: ByAge, { page, pageSize, sort: by }: Listing, here: Here): SessionPage {
  const items: ShownSession[] = []
  let before = (page - 1) * pageSize
  for (const { record } of by === 'openedAt' ? sessions.each() : sessions.youngestFirst()) {
    if (before-- > 0) continue
    if (items.push(shownSession(record, here)) === pageSize) break
  }
  return { total: sessions.count, page, pageSize, items, notReached: [] }
}

interface Ranked {
  readonly key: Key
  readonly record: SessionRecord
}

/** Of one process, in any order. Who is behind the page is looked at and not held. */
export function pageOf(sessions: Iterable<Occupant>, listing: Listing, here: Here): SessionPage {
  const { page, pageSize, sort: _, ...match } = listing
  const { key, isDescending } = orderOf(listing)
  const keyOf = SORTS[key]
  const order = (one: Ranked, other: Ranked) => compare(one.key, other.key, isDescending)
  const end = page * pageSize
  const isAll = isEmptyMatch(match)
  const matches = matcherOf(match, here.replica)
  const first: Ranked[] = []
  let last: Ranked | undefined
  let total = 0
  for (const { record } of sessions) {
    if (!isAll && !matches(record)) continue
    total++
    const value = keyOf(record)
    if (last !== undefined && compare(value, last.key, isDescending) >= 0) continue
    first.push({ key: value, record })
    if (first.length < end + SORTED_AT_ONCE) continue
    first.sort(order)
    first.length = end
    last = first[end - 1]
  }
  const items = first.sort(order).slice(end - pageSize, end)
  const shown = items.map(({ record }) => shownSession(record, here))
  return { total, page, pageSize, items: shown, notReached: [] }
}

/** A page of all that stand on first pages which end where it ends. */
export function merged(pages: readonly SessionPage[], listing: Listing): readonly ShownSession[] {
  const { key, isDescending } = orderOf(listing)
  const end = listing.page * listing.pageSize
  const order = (one: ShownSession, other: ShownSession) =>
    compare(one[key] ?? undefined, other[key] ?? undefined, isDescending) ||
    // The same for each look at them, whoever answers first.
    compare(one.openedAt, other.openedAt, false) ||
    compare(one.id, other.id, false)
  return pages
    .flatMap(({ items }) => items)
    .sort(order)
    .slice(end - listing.pageSize, end)
}

function orderOf({ sort: by }: Listing): { readonly key: SortKey; readonly isDescending: boolean } {
  const isDescending = by.startsWith('-')
  return { key: (isDescending ? by.slice(1) : by) as SortKey, isDescending }
}

/** What has no value comes last, whatever the order; equals stay in the order in which they began. */
function compare(one: Key, other: Key, isDescending: boolean): number {
  if (one === other) return 0
  if (one === undefined || other === undefined) return one === undefined ? 1 : -1
  return one < other === isDescending ? 1 : -1
}
