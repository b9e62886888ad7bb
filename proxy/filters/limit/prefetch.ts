/**
 * How many deliveries a consumer may have unacknowledged: a prefetch count above the limit, or none, becomes the limit. A
 * channel that never asked, or asked for more when there was another limit, is asked for on its behalf, before its next
 * consumer.
 */
import { decodeMethod, methodFrame } from '../../codec/method.ts'
import type { FilterChecks } from '../filter.ts'
import type { LimitContext } from './context.ts'

/** What one session keeps for it. */
export class PrefetchLimit {
  readonly context: LimitContext
  readonly most: number

  constructor(context: LimitContext, most: number) {
    this.context = context
    this.most = most
  }
}

export const PREFETCH_LIMIT: FilterChecks<PrefetchLimit> = {
  toBroker: {
    'basic.qos': (method, { most }) => {
      const fields = decodeMethod('basic.qos', method.buffer, method.start, method.end)
      if (fields.prefetchCount > 0 && fields.prefetchCount <= most) return undefined
      return methodFrame(method.channel, 'basic.qos', { ...fields, prefetchCount: most })
    },
    'basic.consume': ({ channel }, { context: { session }, most }) => {
      if (session.track.prefetches.isWithin(channel, most)) return undefined
      const fields = { prefetchSize: 0, prefetchCount: most, global: false }
      session.sendToBroker(methodFrame(channel, 'basic.qos', fields))
      return undefined
    },
  },
}
