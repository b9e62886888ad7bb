/**
 * How many exchanges the sessions of one identity have declared and not deleted. An auto-delete exchange counts until it is
 * deleted, too: when the last of its bindings goes is known to the broker only.
 */
import type { FilterChecks } from '../filter.ts'
import type { LimitContext } from './context.ts'
import { Holder } from './holder.ts'

/** What one session keeps for it. */
export class ExchangeLimit extends Holder {
  constructor(context: LimitContext, most: number) {
    super(context, most, context.usage.exchanges, context.session.track.declaredExchanges)
  }
}

export const EXCHANGE_LIMIT: FilterChecks<ExchangeLimit> = {
  toBroker: {
    'exchange.declare': (method, limit) => {
      const exchange = method.field('exchange')
      if (method.field('passive') || limit.hasRoomFor(exchange)) return undefined
      return limit.context.refuse('exchange.declare', method.channel, 'exchanges')
    },
  },
  ended: (limit) => limit.leave(),
}
