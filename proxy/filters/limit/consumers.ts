/** How many consumers one identity has. */
import type { FilterChecks } from '../filter.ts'
import type { ConsumerWatcher } from '../track/consumers.ts'
import type { LimitContext } from './context.ts'

/** What one session keeps for it. */
export class ConsumerLimit implements ConsumerWatcher {
  readonly context: LimitContext
  readonly most: number

  constructor(context: LimitContext, most: number) {
    const { session, usage } = context
    this.context = context
    this.most = most
    usage.consumers += session.track.consumers.count
    session.track.consumers.watchers.add(this)
  }

  asked(): void {
    this.context.usage.consumers += 1
  }

  gone(): void {
    this.context.usage.consumers -= 1
  }

  leave(): void {
    const { session, usage } = this.context
    session.track.consumers.watchers.remove(this)
    usage.consumers -= session.track.consumers.count
  }
}

export const CONSUMER_LIMIT: FilterChecks<ConsumerLimit> = {
  toBroker: {
    'basic.consume': ({ channel }, { context, most }) => {
      const { consumers, elsewhere } = context.usage
      return consumers + elsewhere.consumers < most ? undefined : context.refuse('basic.consume', channel, 'consumers')
    },
  },
  ended: (limit) => limit.leave(),
}
