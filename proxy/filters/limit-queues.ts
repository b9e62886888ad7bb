/**
 * How many queues the sessions of one identity have declared and not deleted. Those that end with the session are given back
 * with it; whether others still exist is known to the broker only.
 */
import type { FilterChecks } from './filter.ts'
import type { LimitContext } from './limit-context.ts'

interface Awaited {
  readonly isNew: boolean
  readonly isPassive: boolean
  readonly isTemporary: boolean
}

export function queueLimit({ session, usage, refuse }: LimitContext, most: number): FilterChecks {
  const temporary = new Set<string>()
  const awaited = new Map<number, Awaited[]>()
  /** Deletions count when the broker has answered: a queue in use, or with messages, may stay. */
  const deleting = new Map<number, string[]>()
  /** Of those awaited. */
  let newCount = 0
  const keyOf = (queue: string): string => JSON.stringify([session.vhost, queue])
  const declared = (queue: string, isTemporary: boolean): void => {
    const key = keyOf(queue)
    usage.queues.add(key)
    if (isTemporary) temporary.add(key)
  }
  const forget = (key: string): void => {
    usage.queues.delete(key)
    temporary.delete(key)
  }
  return {
    toBroker: {
      'queue.declare': (method) => {
        const queue = method.field('queue')
        const isPassive = method.field('passive')
        const isTemporary = method.field('exclusive') || method.field('autoDelete')
        const isNew = !isPassive && !usage.queues.has(keyOf(queue))
        if (isNew && usage.queues.size + newCount >= most) return refuse('queue.declare', method.channel, 'queues')
        if (method.field('noWait')) {
          if (!isPassive) declared(queue, isTemporary)
          return undefined
        }
        listIn(awaited, method.channel).push({ isNew, isPassive, isTemporary })
        if (isNew) newCount += 1
        return undefined
      },
      'queue.delete': (method) => {
        const key = keyOf(method.field('queue'))
        if (!method.field('noWait')) listIn(deleting, method.channel).push(key)
        else if (!method.field('ifUnused') && !method.field('ifEmpty')) forget(key)
        return undefined
      },
    },
    toClient: {
      'queue.declare-ok': (method) => {
        const answered = awaited.get(method.channel)?.shift()
        if (answered === undefined) return
        if (answered.isNew) newCount -= 1
        if (!answered.isPassive) declared(method.field('queue'), answered.isTemporary)
      },
      'queue.delete-ok': ({ channel }) => {
        const key = deleting.get(channel)?.shift()
        if (key !== undefined) forget(key)
      },
    },
    channelClosed: (channel) => {
      deleting.delete(channel)
      newCount -= awaited.get(channel)?.filter(({ isNew }) => isNew).length ?? 0
      awaited.delete(channel)
    },
    ended: () => {
      for (const key of temporary) usage.queues.delete(key)
    },
  }
}

function listIn<T>(lists: Map<number, T[]>, channel: number): T[] {
  const list = lists.get(channel) ?? []
  lists.set(channel, list)
  return list
}
