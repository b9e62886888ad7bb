/**
 * How many deliveries a consumer may have unacknowledged: a prefetch count above the limit, or none, becomes the limit. A
 * channel that never asked is asked for on its behalf, before its first consumer.
 */
import { decodeMethod, methodFrame } from '../codec/method.ts'
import type { FilterChecks } from './filter.ts'
import type { LimitContext } from './limit-context.ts'

export function prefetchLimit({ session }: LimitContext, most: number): FilterChecks {
  /** Channels with a limit, and for each answer that is to come whether the client asked for it. */
  const channels = new Map<number, boolean[]>()
  const ask = (channel: number, byClient: boolean): void => {
    const answers = channels.get(channel) ?? []
    answers.push(byClient)
    channels.set(channel, answers)
  }
  return {
    toBroker: {
      'basic.qos': (method) => {
        const fields = decodeMethod('basic.qos', method.buffer, method.start, method.end)
        ask(method.channel, true)
        if (fields.prefetchCount > 0 && fields.prefetchCount <= most) return undefined
        return methodFrame(method.channel, 'basic.qos', { ...fields, prefetchCount: most })
      },
      'basic.consume': ({ channel }) => {
        if (channels.has(channel)) return undefined
        ask(channel, false)
        session.sendToBroker(methodFrame(channel, 'basic.qos', { prefetchSize: 0, prefetchCount: most, global: false }))
        return undefined
      },
    },
    withhold: {
      'basic.qos-ok': ({ channel }) => channels.get(channel)?.shift() === false,
    },
    channelClosed: (channel) => {
      channels.delete(channel)
    },
  }
}
