/**
 * The filters that keep one identity's shares under a broker account that many use: channels, consumers, queues, prefetch,
 * and how fast it publishes. Counts are refused beyond, prefetch is clamped, rates are kept by not reading; nothing is
 * dropped. There is one filter for each limit that is given.
 */
import { type FromClient, METHODS } from '../codec/spec.ts'
import { ChannelFault } from '../faults.ts'
import type { Filter, FilterChecks } from './filter.ts'
import { channelLimit } from './limit-channels.ts'
import { consumerLimit } from './limit-consumers.ts'
import type { IdentityLimits, LimitContext } from './limit-context.ts'
import { prefetchLimit } from './limit-prefetch.ts'
import { queueLimit } from './limit-queues.ts'
import { rateLimit } from './limit-rate.ts'
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

export function limitFilters({ limits, usages, sink, now = () => performance.now() }: LimitOptions): Filter[] {
  const { channels, consumers, queues, unacked, publishesPerSecond, publishBytesPerSecond } = limits
  const filter = (name: string, start: (context: LimitContext) => FilterChecks): Filter => ({
    name,
    start(session): FilterChecks {
      const { issuer, subject } = session.identity
      const usage = usages.enter(JSON.stringify([issuer, subject]), now())
      const audit = new Audit(session, sink)
      const checks = start({
        session,
        usage,
        audit,
        now,
        refuse(method, channel, limit) {
          audit.record('limit.refused', { method, channel, limit })
          return { fault: fault(method, limit, limits[limit] ?? 0, subject) }
        },
      })
      return {
        ...checks,
        ended() {
          checks.ended?.()
          usages.leave(usage, now())
        },
      }
    },
  })
  const filters: Filter[] = []
  if (channels !== undefined) filters.push(filter('limit.channels', (context) => channelLimit(context, channels)))
  if (consumers !== undefined) filters.push(filter('limit.consumers', (context) => consumerLimit(context, consumers)))
  if (queues !== undefined) filters.push(filter('limit.queues', (context) => queueLimit(context, queues)))
  if (unacked !== undefined) filters.push(filter('limit.unacked', (context) => prefetchLimit(context, unacked)))
  if (publishesPerSecond !== undefined) {
    filters.push(filter('limit.publishes', (context) => rateLimit(context, 'publishesPerSecond', publishesPerSecond)))
  }
  if (publishBytesPerSecond !== undefined) {
    filters.push(filter('limit.bytes', (context) => rateLimit(context, 'publishBytesPerSecond', publishBytesPerSecond)))
  }
  return filters
}

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
