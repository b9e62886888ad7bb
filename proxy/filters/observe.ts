/**
 * The filter that writes down what it sees being forwarded: the last in order, so that it never sees what was refused. It
 * decides nothing, but for one case: when an event cannot be written and must be, what it is about is refused.
 */
import type { MethodView } from '../codec/method.ts'
import { type FromClient, METHODS } from '../codec/spec.ts'
import { ChannelFault } from '../faults.ts'
import { DeclaredQueues, NAME_AWAITED } from './authorize-queues.ts'
import type { Filter, FilterChecks, Verdict } from './filter.ts'
import { AUDIT_EVENTS, Audit, type AuditDetails, type AuditEventName, type AuditSink } from './observe-events.ts'
import { PublishCounts } from './observe-publishes.ts'

/** Groups of events that are written on request. */
export type AuditInclude = 'declare' | 'bind' | 'delete' | 'consume' | 'publish'

/** How often counts are written. */
const COUNTS_EVERY_MS = 60_000
/** Most queues of which the first `basic.get` is remembered. */
const GOTTEN_MAX = 1024

type MethodEvent = AuditEventName & FromClient

/** Which fields of a method an event shows; queue names come resolved. */
const SHOWN: { readonly [M in MethodEvent]: (method: MethodView) => AuditDetails } = {
  'exchange.declare': (method) => ({ exchange: method.field('exchange'), passive: method.field('passive') }),
  'queue.declare': (method) => ({ queue: method.field('queue'), passive: method.field('passive') }),
  'queue.bind': (method) => ({ exchange: method.field('exchange'), routingKey: method.field('routingKey') }),
  'queue.unbind': (method) => ({ exchange: method.field('exchange'), routingKey: method.field('routingKey') }),
  'exchange.bind': bindingOf,
  'exchange.unbind': bindingOf,
  'exchange.delete': (method) => ({ exchange: method.field('exchange') }),
  'queue.delete': () => ({}),
  'queue.purge': () => ({}),
  'basic.consume': (method) => ({ consumerTag: method.field('consumerTag') }),
  'basic.cancel': (method) => ({ consumerTag: method.field('consumerTag') }),
  'basic.get': () => ({}),
}

function bindingOf(method: MethodView): AuditDetails {
  const destination = method.field('destination')
  return { destination, exchange: method.field('source'), routingKey: method.field('routingKey') }
}

const NAMES_QUEUE: ReadonlySet<string> = new Set<MethodEvent>([
  'queue.bind',
  'queue.unbind',
  'queue.delete',
  'queue.purge',
  'basic.consume',
  'basic.get',
])

export interface ObserveOptions {
  readonly include: readonly AuditInclude[]
  readonly sink: AuditSink
  readonly now?: () => number
}

/** One filter for methods and one for publishes, where they are wanted. */
export function observeFilters({ include, sink, now = () => performance.now() }: ObserveOptions): Filter[] {
  const filters: Filter[] = []
  if (include.some((group) => group !== 'publish')) {
    filters.push({ name: 'observe', start: (session) => writeMethods(include, new Audit(session, sink)) })
  }
  if (include.includes('publish')) {
    filters.push({ name: 'observe.publish', start: (session) => countPublishes(new Audit(session, sink), now) })
  }
  return filters
}

function writeMethods(include: readonly AuditInclude[], audit: Audit): FilterChecks {
  const wanted = (Object.keys(SHOWN) as MethodEvent[]).filter((name) => include.includes(AUDIT_EVENTS[name].include))
  const queues = new DeclaredQueues()
  const gotten = new Set<string>()
  const write = (name: MethodEvent, method: MethodView): Verdict => {
    const details: AuditDetails = NAMES_QUEUE.has(name) ? { queue: queueOf(method, queues) } : {}
    if (name === 'basic.get' && !isFirst(gotten, String(details.queue))) return undefined
    const mayGoOn = audit.record(name, { channel: method.channel, ...details, ...SHOWN[name](method) })
    return mayGoOn ? undefined : unwritten(name)
  }
  const checks = Object.fromEntries(wanted.map((name) => [name, (method: MethodView) => write(name, method)]))
  return {
    toBroker: {
      ...checks,
      'queue.declare': (method) => {
        queues.declare(method.channel, method.field('queue'), method.field('noWait'))
        return checks['queue.declare']?.(method)
      },
    },
    toClient: {
      'queue.declare-ok': (method) => {
        const queue = method.field('queue')
        const isNamedByBroker = queues.declared(method.channel, queue)
        if (isNamedByBroker && include.includes('declare'))
          audit.record('queue.named', { channel: method.channel, queue })
      },
    },
    channelClosed: (channel) => queues.channelClosed(channel),
  }
}

/** The queue a method is about; an empty name is what it stands for, if that is known. */
function queueOf(method: MethodView, queues: DeclaredQueues): string {
  const queue = method.field('queue')
  if (queue !== '') return queue
  const last = queues.last(method.channel)
  return last === NAME_AWAITED ? '' : last
}

function isFirst(gotten: Set<string>, queue: string): boolean {
  if (gotten.has(queue)) return false
  if (gotten.size < GOTTEN_MAX) gotten.add(queue)
  return true
}

function unwritten(name: FromClient): Verdict {
  const [classId, methodId] = METHODS[name].id
  return { fault: new ChannelFault('access-refused', 'this cannot be recorded at the moment', { classId, methodId }) }
}

function countPublishes(audit: Audit, now: () => number): FilterChecks {
  const counts = new PublishCounts()
  let writtenMs = now()
  let mayGoOn = true
  const flush = (): void => {
    writtenMs = now()
    mayGoOn = counts.flush((exchange, { messages, bytes }) =>
      audit.record('publish.counted', { exchange, messages, bytes }),
    )
  }
  return {
    publish: (publish) => {
      if (!mayGoOn) return unwritten('basic.publish')
      counts.add(publish)
      return undefined
    },
    tick: () => {
      // What could not be written is tried again each time, as publishing waits for it.
      if (!mayGoOn || (now() - writtenMs >= COUNTS_EVERY_MS && !counts.isEmpty)) flush()
    },
    ended: flush,
  }
}
