/** How many channels one identity has open. */
import type { FilterChecks } from './filter.ts'
import type { LimitContext } from './limit-context.ts'

export function channelLimit({ usage, refuse }: LimitContext, most: number): FilterChecks {
  const open = new Set<number>()
  return {
    toBroker: {
      'channel.open': ({ channel }) => {
        if (usage.channels >= most) return refuse('channel.open', channel, 'channels')
        open.add(channel)
        usage.channels += 1
        return undefined
      },
    },
    channelClosed: (channel) => {
      if (open.delete(channel)) usage.channels -= 1
    },
    ended: () => {
      usage.channels -= open.size
    },
  }
}
