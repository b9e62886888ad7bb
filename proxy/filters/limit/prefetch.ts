/**
 * How many deliveries a consumer may have unacknowledged: a prefetch count above the limit, or none, becomes the limit. A
 * channel that never asked is asked for on its behalf, before its first consumer.
 */
import { decodeMethod, methodFrame } from '../../codec/method.ts'
import type { FilterChecks } from '../filter.ts'
import type { LimitContext } from './context.ts'

/** What one session keeps for it. */
export class PrefetchLimit {
  readonly context: LimitContext
  readonly most: number
  /** Channels with a limit, and for each answer that is to come whether the client asked for it. */
  readonly channels = new Map<number, boolean[]>()

  constructor(context: LimitContext, most: number) {
    this.context = context
    this.most = most
  }

  ask(channel: number, byClient: boolean): void {
    const answers = this.channels.get(channel) ?? []
    answers.push(byClient)
    this.channels.set(channel, answers)
  }
}

export const PREFETCH_LIMIT: FilterChecks<PrefetchLimit> = {
  toBroker: {
    'basic.qos': (method, limit) => {
      const { most } = limit
      const fields = decodeMethod('basic.qos', method.buffer, method.start, method.end)
      limit.ask(method.channel, true)
      if (fields.prefetchCount > 0 && fields.prefetchCount <= most) return undefined
      return methodFrame(method.channel, 'basic.qos', { ...fields, prefetchCount: most })
    },
    'basic.consume': ({ channel }, limit) => {
      if (limit.channels.has(channel)) return undefined
      limit.ask(channel, false)
      const fields = { prefetchSize: 0, prefetchCount: limit.most, global: false }
      limit.context.session.sendToBroker(methodFrame(channel, 'basic.qos', fields))
      return undefined
    },
  },
  withhold: {
    'basic.qos-ok': ({ channel }, { channels }) => channels.get(channel)?.shift() === false,
  },
  channelClosed: (channel, { channels }) => {
    channels.delete(channel)
  },
}
