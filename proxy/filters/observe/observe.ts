/**
 * The filter that writes down what it sees being forwarded: the last in order, so that it never sees what was refused. It
 * decides nothing, but for one case: when an event cannot be written and must be, what it is about is refused.
 */

import { AUDIT_EVENTS, Audit, type AuditDetails, type AuditEventName, type AuditSink } from '../../audit.ts'
import type { MethodView } from '../../codec/method.ts'
import { type FromClient, METHODS } from '../../codec/spec.ts'
import { ChannelFault } from '../../faults.ts'
import type { Filter, FilterChecks, FilterOf, PublishView, SessionView, Verdict } from '../filter.ts'
import type { Declaration, Declarations, DeclarationWatcher } from '../track/declarations.ts'
import { NAME_AWAITED, type QueueNames } from '../track/queue-names.ts'
import { PublishCounts } from './publishes.ts'

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

/** One filter for methods and one for publishes, where they are wanted; for all sessions of a service. */
export function observeFilters({ include, sink, now = () => performance.now() }: ObserveOptions): Filter[] {
  const filters: Filter[] = []
  if (include.some((group) => group !== 'publish')) {
    const observe: FilterOf<MethodRecord> = {
      name: 'observe',
      checks: methodChecks(include),
      start: (session) => {
        const record = new MethodRecord(session, sink)
        if (include.includes('declare')) record.declaredQueues.watchers.add(record)
        return record
      },
    }
    filters.push(observe)
  }
  if (include.includes('publish')) {
    const observe: FilterOf<PublishRecord> = {
      name: 'observe.publish',
      checks: PUBLISH_CHECKS,
      start: (session) => new PublishRecord(session, sink, now),
    }
    filters.push(observe)
  }
  return filters
}

/** What is kept to write down the methods of one session. */
class MethodRecord implements DeclarationWatcher {
  readonly audit: Audit
  readonly queues: QueueNames
  readonly declaredQueues: Declarations
  /** Queues of which there was a `basic.get`; made when first needed. */
  #gotten: Set<string> | undefined

  constructor(session: SessionView, sink: AuditSink) {
    this.audit = new Audit(session, sink)
    this.queues = session.track.queues
    this.declaredQueues = session.track.declaredQueues
  }

  /** For the book of queues, where declarations are written down. */
  declared({ channel, name }: Declaration, queue: string): void {
    if (name === '') this.audit.record('queue.named', { channel, queue })
  }

  write(name: MethodEvent, method: MethodView): Verdict {
    const details: AuditDetails = NAMES_QUEUE.has(name) ? { queue: queueOf(method, this.queues) } : {}
    if (name === 'basic.get' && !this.#isFirst(String(details.queue))) return undefined
    const mayGoOn = this.audit.record(name, { channel: method.channel, ...details, ...SHOWN[name](method) })
    return mayGoOn ? undefined : unwritten(name)
  }

  #isFirst(queue: string): boolean {
    this.#gotten ??= new Set()
    if (this.#gotten.has(queue)) return false
    if (this.#gotten.size < GOTTEN_MAX) this.#gotten.add(queue)
    return true
  }
}

function methodChecks(include: readonly AuditInclude[]): FilterChecks<MethodRecord> {
  const wanted = (Object.keys(SHOWN) as MethodEvent[]).filter((name) => include.includes(AUDIT_EVENTS[name].include))
  const written = wanted.map(
    (name) => [name, (method: MethodView, record: MethodRecord) => record.write(name, method)] as const,
  )
  return {
    toBroker: Object.fromEntries(written),
    ended: (record) => record.declaredQueues.watchers.remove(record),
  }
}

/** The queue a method is about; an empty name is what it stands for, if that is known. */
function queueOf(method: MethodView, queues: QueueNames): string {
  const queue = method.field('queue')
  if (queue !== '') return queue
  const last = queues.last(method.channel)
  return last === NAME_AWAITED ? '' : last
}

function unwritten(name: FromClient): Verdict {
  const [classId, methodId] = METHODS[name].id
  return { fault: new ChannelFault('access-refused', 'this cannot be recorded at the moment', { classId, methodId }) }
}

/** What is kept to write down how much one session publishes. */
class PublishRecord {
  readonly #audit: Audit
  readonly #now: () => number
  readonly #counts = new PublishCounts()
  #writtenMs: number
  #mayGoOn = true

  constructor(session: SessionView, sink: AuditSink, now: () => number) {
    this.#audit = new Audit(session, sink)
    this.#now = now
    this.#writtenMs = now()
  }

  count(publish: PublishView): Verdict {
    if (!this.#mayGoOn) return unwritten('basic.publish')
    this.#counts.add(publish)
    return undefined
  }

  tick(): void {
    // What could not be written is tried again each time, as publishing waits for it.
    const isDue = !this.#counts.isEmpty && this.#now() - this.#writtenMs >= COUNTS_EVERY_MS
    if (!this.#mayGoOn || isDue) this.flush()
  }

  flush(): void {
    this.#writtenMs = this.#now()
    this.#mayGoOn = this.#counts.flush((exchange, { messages, bytes }) =>
      this.#audit.record('publish.counted', { exchange, messages, bytes }),
    )
  }
}

const PUBLISH_CHECKS: FilterChecks<PublishRecord> = {
  publish: (publish, record) => record.count(publish),
  tick: (_nowMs, record) => record.tick(),
  ended: (record) => record.flush(),
}
