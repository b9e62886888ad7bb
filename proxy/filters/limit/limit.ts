/**
 * The filters that keep one identity's shares under a broker account that many use: channels, consumers, queues, exchanges,
 * prefetch, and how fast it publishes. Counts are refused beyond, prefetch is clamped, rates are kept by not reading; nothing is
 * dropped.
 */

import { Audit, type AuditSink } from '../../audit.ts'
import { type FromClient, METHODS } from '../../codec/spec.ts'
import { ChannelFault } from '../../faults.ts'
import type { Filter, FilterChecks, SessionView } from '../filter.ts'
import { CHANNEL_LIMIT, ChannelLimit } from './channels.ts'
import { CONSUMER_LIMIT, ConsumerLimit } from './consumers.ts'
import type { IdentityLimits, LimitContext } from './context.ts'
import { EXCHANGE_LIMIT, ExchangeLimit } from './exchanges.ts'
import { PREFETCH_LIMIT, PrefetchLimit } from './prefetch.ts'
import { QUEUE_LIMIT, QueueLimit } from './queues.ts'
import { RATE_LIMIT, RateLimit } from './rate.ts'
import type { Usages } from './usage.ts'

export type { IdentityLimits } from './context.ts'
export { Usages, type UsedElsewhere, type UsedShares } from './usage.ts'

/** The key by which usages know an identity. */
export function usageKey({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
  return JSON.stringify([issuer, subject])
}

export interface LimitOptions {
  readonly limits: IdentityLimits
  /** Of all sessions that share these limits: a service's. */
  readonly usages: Usages
  readonly sink: AuditSink
  readonly now?: () => number
}

/** One kind of limit, whatever the state of its sessions is. */
interface Kind {
  readonly name: string
  readonly checks: FilterChecks<never>
  start(context: LimitContext, most: number): unknown
}

/** In the order in which they judge. */
const KINDS: Readonly<Record<keyof IdentityLimits, Kind>> = {
  channels: leaving('limit.channels', CHANNEL_LIMIT, (context, most) => new ChannelLimit(context, most)),
  consumers: leaving('limit.consumers', CONSUMER_LIMIT, (context, most) => new ConsumerLimit(context, most)),
  queues: leaving('limit.queues', QUEUE_LIMIT, (context, most) => new QueueLimit(context, most)),
  exchanges: leaving('limit.exchanges', EXCHANGE_LIMIT, (context, most) => new ExchangeLimit(context, most)),
  unacked: leaving('limit.unacked', PREFETCH_LIMIT, (context, most) => new PrefetchLimit(context, most)),
  publishesPerSecond: leaving(
    'limit.publishes',
    RATE_LIMIT,
    (context, most) => new RateLimit(context, 'publishesPerSecond', most),
  ),
  publishBytesPerSecond: leaving(
    'limit.bytes',
    RATE_LIMIT,
    (context, most) => new RateLimit(context, 'publishBytesPerSecond', most),
  ),
}

const ORDER = Object.entries(KINDS) as readonly (readonly [keyof IdentityLimits, Kind])[]

/** A kind whose sessions, when they end, leave their identity's usage as well. */
function leaving<S extends { readonly context: LimitContext }>(
  name: string,
  checks: FilterChecks<S>,
  start: (context: LimitContext, most: number) => S,
): Kind {
  const andLeave: FilterChecks<S> = {
    ...checks,
    ended(state) {
      checks.ended?.(state)
      state.context.leave()
    },
  }
  return { name, checks: andLeave, start }
}

/** One filter for each limit that is given. */
export function limitFilters({ limits, usages, sink, now = () => performance.now() }: LimitOptions): Filter[] {
  const contextOf = (session: SessionView): LimitContext => {
    const { subject } = session.identity
    const usage = usages.enter(usageKey(session.identity), now())
    const audit = new Audit(session, sink)
    return {
      session,
      usage,
      audit,
      now,
      refuse(method, channel, limit) {
        audit.record('limit.refused', { method, channel, limit })
        return { fault: fault(method, limit, limits[limit] ?? 0, subject) }
      },
      leave: () => usages.leave(usage, now()),
    }
  }
  const filters: Filter[] = []
  for (const [limit, { name, checks, start }] of ORDER) {
    const most = limits[limit]
    if (most !== undefined) filters.push({ name, checks, start: (session) => start(contextOf(session), most) })
  }
  return filters
}

/** 406, as RabbitMQ answers when a vhost has too many queues. */
function fault(method: FromClient, limit: keyof IdentityLimits, most: number, subject: string): ChannelFault {
  const [classId, methodId] = METHODS[method].id
  return new ChannelFault(
    'precondition-failed',
    `no more than ${most} ${limit} for '${subject.replace(/\p{C}/gu, '?').slice(0, 64)}'`,
    { classId, methodId },
  )
}
