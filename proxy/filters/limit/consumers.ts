/** How many consumers one identity has. */

import type { FilterChecks } from '../filter.ts'
import { Consumers } from '../track/consumers.ts'
import type { LimitContext } from './context.ts'

/** What one session keeps for it. */
export class ConsumerLimit {
  readonly context: LimitContext
  readonly most: number
  readonly consumers = new Consumers()
  #counted = 0

  constructor(context: LimitContext, most: number) {
    this.context = context
    this.most = most
  }

  /** Brings what the identity uses up to date. */
  count(): void {
    this.context.usage.consumers += this.consumers.count - this.#counted
    this.#counted = this.consumers.count
  }

  giveBack(): void {
    this.context.usage.consumers -= this.#counted
  }
}

export const CONSUMER_LIMIT: FilterChecks<ConsumerLimit> = {
  toBroker: {
    'basic.consume': (method, limit) => {
      const { context, most, consumers } = limit
      if (context.usage.consumers >= most) return context.refuse('basic.consume', method.channel, 'consumers')
      const tag = method.field('consumerTag')
      // The same tag again replaces nothing: the broker ends the connection for it.
      if (!consumers.has(method.channel, tag)) consumers.start(method.channel, tag, '', method.field('noWait'))
      limit.count()
      return undefined
    },
    'basic.cancel': (method, limit) => {
      limit.consumers.stopped(method.channel, method.field('consumerTag'))
      limit.count()
      return undefined
    },
  },
  toClient: {
    'basic.consume-ok': (method, { consumers }) => consumers.started(method.channel, method.field('consumerTag')),
    'basic.cancel': (method, limit) => {
      limit.consumers.stopped(method.channel, method.field('consumerTag'))
      limit.count()
    },
  },
  channelClosed: (channel, limit) => {
    limit.consumers.channelClosed(channel)
    limit.count()
  },
  ended: (limit) => limit.giveBack(),
}
