/** One page of sessions. Of all sessions that match, only those up to the page's end are held, however many there are. */
import { z } from 'zod'
import type { Occupant } from '../../sessions/place.ts'
import { isEmptyMatch, matcherOf, matchFields } from '../match.ts'
import type { Here } from '../replicas/here.ts'
import type { SessionPage, ShownSession } from '../shapes.ts'
import { shownSession } from './shown-session.ts'

type Key = string | number | undefined

/** A record is gathered from many objects: of thousands of sessions, that takes longer than all else. The order of age needs none. */
const SORTS = {
  id: ({ record }) => record.id,
  subject: ({ record }) => record.identity.subject,
  issuer: ({ record }) => record.identity.issuer,
  authenticator: ({ record }) => record.identity.authenticator,
  service: ({ record }) => record.service,
  broker: ({ record }) => record.broker,
  node: ({ record }) => record.node,
  user: ({ record }) => record.user,
  vhost: ({ record }) => record.vhost,
  address: ({ record }) => record.address,
  openedAt: ({ startedAtMs }) => startedAtMs,
  expiresAt: ({ record }) => record.expiresAtMs,
  rule: ({ record }) => record.rule,
  bytesFromClient: ({ record }) => record.bytesFromClient,
  bytesToClient: ({ record }) => record.bytesToClient,
  channels: ({ record }) => record.channels,
  consumers: ({ record }) => record.consumers,
  messagesFromClient: ({ record }) => record.messagesFromClient,
  messagesToClient: ({ record }) => record.messagesToClient,
} as const satisfies Readonly<Record<string, (session: Occupant) => Key>>

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

interface Ranked {
  readonly key: Key
  readonly session: Occupant
}

/** Of one process. */
export function pageOf(sessions: Iterable<Occupant>, listing: Listing, here: Here): SessionPage {
  const { page, pageSize, sort: _, ...match } = listing
  const { key, isDescending } = orderOf(listing)
  const keyOf = SORTS[key]
  const order = (one: Ranked, other: Ranked) => compare(one.key, other.key, isDescending)
  const end = page * pageSize
  const isAll = isEmptyMatch(match)
  const matches = matcherOf(match, here.replica)
  const first: Ranked[] = []
  let total = 0
  for (const session of sessions) {
    if (!isAll && !matches(session.record)) continue
    total++
    first.push({ key: keyOf(session), session })
    if (first.length < end * 2) continue
    first.sort(order)
    first.length = end
  }
  const items = first.sort(order).slice(end - pageSize, end)
  const shown = items.map(({ session }) => shownSession(session.record, here))
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
