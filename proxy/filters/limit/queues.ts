/**
 * How many queues the sessions of one identity have declared and the broker still has. Each is given back when the broker
 * has said that it is gone, or when it must be: an exclusive queue with its session, an auto-delete queue with the last of
 * its consumers.
 */
import type { FilterChecks } from '../filter.ts'
import type { Consumer, Consumers, ConsumerWatcher } from '../track/consumers.ts'
import type { LimitContext } from './context.ts'
import { Holder } from './holder.ts'
import type { Ledger } from './holdings.ts'

/** What one session keeps for it. */
export class QueueLimit extends Holder {
  readonly #uses: QueueUses

  constructor(context: LimitContext, most: number) {
    const { declaredQueues, consumers } = context.session.track
    super(context, most, context.usage.queues, declaredQueues)
    this.#uses = new QueueUses(consumers, context.usage.queues.ledger, (name) => this.keyOf(name))
  }

  override leave(): void {
    // Consumers first: with the last of them a queue may go that this session has declared.
    this.#uses.leave()
    super.leave()
  }
}

/** The consumers of one session, as far as queues live by them. */
class QueueUses implements ConsumerWatcher {
  readonly #consumers: Consumers
  readonly #ledger: Ledger
  readonly #keyOf: (name: string) => string
  readonly #keys = new Map<Consumer, string>()

  constructor(consumers: Consumers, ledger: Ledger, keyOf: (name: string) => string) {
    this.#consumers = consumers
    this.#ledger = ledger
    this.#keyOf = keyOf
    for (const consumer of consumers.list()) {
      this.asked(consumer)
      if (consumer.isStarted) this.started(consumer)
    }
    consumers.watchers.add(this)
  }

  asked(consumer: Consumer): void {
    const { name } = consumer.queue
    if (name === '' || this.#keys.has(consumer)) return
    const key = this.#keyOf(name)
    this.#keys.set(consumer, key)
    this.#ledger.uses(key)
  }

  started(consumer: Consumer): void {
    // The broker says a queue's name before it says that there is a consumer.
    this.asked(consumer)
    const key = this.#keys.get(consumer)
    if (key !== undefined) this.#ledger.used(key)
  }

  gone(consumer: Consumer): void {
    const key = this.#keys.get(consumer)
    if (key === undefined) return
    this.#keys.delete(consumer)
    this.#ledger.unuses(key)
  }

  leave(): void {
    this.#consumers.watchers.remove(this)
    for (const key of this.#keys.values()) this.#ledger.unuses(key)
  }
}

export const QUEUE_LIMIT: FilterChecks<QueueLimit> = {
  toBroker: {
    'queue.declare': (method, limit) => {
      const queue = method.field('queue')
      if (method.field('passive') || limit.hasRoomFor(queue)) return undefined
      return limit.context.refuse('queue.declare', method.channel, 'queues')
    },
  },
  ended: (limit) => limit.leave(),
}
