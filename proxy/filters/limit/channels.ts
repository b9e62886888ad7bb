/** How many channels one identity has open. */
import type { FilterChecks } from '../filter.ts'
import type { LimitContext } from './context.ts'

/** What one session keeps for it. */
export class ChannelLimit {
  readonly context: LimitContext
  readonly most: number
  readonly open: Set<number>

  constructor(context: LimitContext, most: number) {
    this.context = context
    this.most = most
    this.open = new Set(context.session.openChannels())
    context.usage.channels += this.open.size
  }
}

export const CHANNEL_LIMIT: FilterChecks<ChannelLimit> = {
  toBroker: {
    'channel.open': ({ channel }, { context, most, open }) => {
      const { usage } = context
      if (usage.channels + usage.elsewhere.channels >= most) return context.refuse('channel.open', channel, 'channels')
      open.add(channel)
      usage.channels += 1
      return undefined
    },
  },
  channelClosed: (channel, { context, open }) => {
    if (open.delete(channel)) context.usage.channels -= 1
  },
  ended: ({ context, open }) => {
    context.usage.channels -= open.size
  },
}
