/** How many consumers one identity has. */
import { Consumers } from './authorize-consumers.ts'
import type { FilterChecks } from './filter.ts'
import type { LimitContext } from './limit-context.ts'

export function consumerLimit({ usage, refuse }: LimitContext, most: number): FilterChecks {
  const consumers = new Consumers()
  let counted = 0
  const count = (): void => {
    usage.consumers += consumers.count - counted
    counted = consumers.count
  }
  return {
    toBroker: {
      'basic.consume': (method) => {
        if (usage.consumers >= most) return refuse('basic.consume', method.channel, 'consumers')
        const tag = method.field('consumerTag')
        // The same tag again replaces nothing: the broker ends the connection for it.
        if (!consumers.has(method.channel, tag)) consumers.start(method.channel, tag, '', method.field('noWait'))
        count()
        return undefined
      },
      'basic.cancel': (method) => {
        consumers.stopped(method.channel, method.field('consumerTag'))
        count()
        return undefined
      },
    },
    toClient: {
      'basic.consume-ok': (method) => consumers.started(method.channel, method.field('consumerTag')),
      'basic.cancel': (method) => {
        consumers.stopped(method.channel, method.field('consumerTag'))
        count()
      },
    },
    channelClosed: (channel) => {
      consumers.channelClosed(channel)
      count()
    },
    ended: () => {
      usage.consumers -= counted
    },
  }
}
