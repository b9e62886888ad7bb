/**
 * The filters that keep one identity's shares under a broker account that many use: channels, consumers, queues, prefetch,
 * and how fast it publishes. Counts are refused beyond, prefetch is clamped, rates are kept by not reading; nothing is
 * dropped. There is one filter for each limit that is given.
 */
import { type FromClient, METHODS } from '../codec/spec.ts'
import { ChannelFault } from '../faults.ts'
import type { Filter, FilterChecks, FilterOf } from './filter.ts'
import { CHANNEL_LIMIT, ChannelLimit } from './limit-channels.ts'
import { CONSUMER_LIMIT, ConsumerLimit } from './limit-consumers.ts'
import type { IdentityLimits, LimitContext } from './limit-context.ts'
import { PREFETCH_LIMIT, PrefetchLimit } from './limit-prefetch.ts'
import { QUEUE_LIMIT, QueueLimit } from './limit-queues.ts'
import { RATE_LIMIT, RateLimit } from './limit-rate.ts'
import type { Usages } from './limit-usage.ts'
import { Audit, type AuditSink } from './observe-events.ts'

export type { IdentityLimits } from './limit-context.ts'
export { Usages } from './limit-usage.ts'

export interface LimitOptions {
  readonly limits: IdentityLimits
  /** Of all sessions that share these limits: a service's. */
  readonly usages: Usages
  readonly sink: AuditSink
  readonly now?: () => number
}

/** One kind of limit: what it looks at, and what a session keeps for it. */
interface Limit<S> {
  readonly name: string
  readonly checks: FilterChecks<S>
  readonly start: (context: LimitContext) => S
}

export function limitFilters({ limits, usages, sink, now = () => performance.now() }: LimitOptions): Filter[] {
  const { channels, consumers, queues, unacked, publishesPerSecond, publishBytesPerSecond } = limits
  const filter = <S>({ name, checks, start }: Limit<S>): FilterOf<S> => ({
    name,
    checks,
    start(session): S {
      const { issuer, subject } = session.identity
      const usage = usages.enter(JSON.stringify([issuer, subject]), now())
      const audit = new Audit(session, sink)
      return start({
        session,
        usage,
        audit,
        now,
        refuse(method, channel, limit) {
          audit.record('limit.refused', { method, channel, limit })
          return { fault: fault(method, limit, limits[limit] ?? 0, subject) }
        },
        leave: () => usages.leave(usage, now()),
      })
    },
  })
  const rate = (name: string, limit: 'publishesPerSecond' | 'publishBytesPerSecond', perSecond: number): Filter =>
    filter({ name, checks: RATE, start: (context) => new RateLimit(context, limit, perSecond) })
  const filters: Filter[] = []
  if (channels !== undefined) {
    const start = (context: LimitContext) => new ChannelLimit(context, channels)
    filters.push(filter({ name: 'limit.channels', checks: CHANNELS, start }))
  }
  if (consumers !== undefined) {
    const start = (context: LimitContext) => new ConsumerLimit(context, consumers)
    filters.push(filter({ name: 'limit.consumers', checks: CONSUMERS, start }))
  }
  if (queues !== undefined) {
    const start = (context: LimitContext) => new QueueLimit(context, queues)
    filters.push(filter({ name: 'limit.queues', checks: QUEUES, start }))
  }
  if (unacked !== undefined) {
    const start = (context: LimitContext) => new PrefetchLimit(context, unacked)
    filters.push(filter({ name: 'limit.unacked', checks: PREFETCH, start }))
  }
  if (publishesPerSecond !== undefined) filters.push(rate('limit.publishes', 'publishesPerSecond', publishesPerSecond))
  if (publishBytesPerSecond !== undefined)
    filters.push(rate('limit.bytes', 'publishBytesPerSecond', publishBytesPerSecond))
  return filters
}

/** The same, and at the end the identity is left. */
function leaving<S extends { readonly context: LimitContext }>(checks: FilterChecks<S>): FilterChecks<S> {
  return {
    ...checks,
    ended(state) {
      checks.ended?.(state)
      state.context.leave()
    },
  }
}

const CHANNELS = leaving(CHANNEL_LIMIT)
const CONSUMERS = leaving(CONSUMER_LIMIT)
const QUEUES = leaving(QUEUE_LIMIT)
const PREFETCH = leaving(PREFETCH_LIMIT)
const RATE = leaving(RATE_LIMIT)

/** 406, as RabbitMQ answers when a vhost has too many queues. */
function fault(method: FromClient, limit: keyof IdentityLimits, most: number, subject: string): ChannelFault {
  const [classId, methodId] = METHODS[method].id
  return new ChannelFault(
    'precondition-failed',
    `no more than ${most} ${limit} for '${subject.replace(/\p{C}/gu, '?').slice(0, 64)}'`,
    {
      classId,
      methodId,
    },
  )
}
