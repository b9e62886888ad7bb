/**
 * How many queues the sessions of one identity have declared and not deleted. Those that end with the session are given back
 * with it; whether others still exist is known to the broker only.
 */
import type { FilterChecks } from '../filter.ts'
import type { LimitContext } from './context.ts'

interface Awaited {
  readonly isNew: boolean
  readonly isPassive: boolean
  readonly isTemporary: boolean
}

/** What one session keeps for it. */
export class QueueLimit {
  readonly context: LimitContext
  readonly most: number
  readonly temporary = new Set<string>()
  readonly awaited = new Map<number, Awaited[]>()
  /** Deletions count when the broker has answered: a queue in use, or with messages, may stay. */
  readonly deleting = new Map<number, string[]>()
  /** Of those awaited. */
  newCount = 0

  constructor(context: LimitContext, most: number) {
    this.context = context
    this.most = most
  }

  keyOf(queue: string): string {
    return JSON.stringify([this.context.session.vhost, queue])
  }

  declared(queue: string, isTemporary: boolean): void {
    const key = this.keyOf(queue)
    this.context.usage.queues.add(key)
    if (isTemporary) this.temporary.add(key)
  }

  forget(key: string): void {
    this.context.usage.queues.delete(key)
    this.temporary.delete(key)
  }
}

export const QUEUE_LIMIT: FilterChecks<QueueLimit> = {
  toBroker: {
    'queue.declare': (method, limit) => {
      const { usage, refuse } = limit.context
      const queue = method.field('queue')
      const isPassive = method.field('passive')
      const isTemporary = method.field('exclusive') || method.field('autoDelete')
      const isNew = !isPassive && !usage.queues.has(limit.keyOf(queue))
      if (isNew && usage.queues.size + limit.newCount >= limit.most) {
        return refuse('queue.declare', method.channel, 'queues')
      }
      if (method.field('noWait')) {
        if (!isPassive) limit.declared(queue, isTemporary)
        return undefined
      }
      listIn(limit.awaited, method.channel).push({ isNew, isPassive, isTemporary })
      if (isNew) limit.newCount += 1
      return undefined
    },
    'queue.delete': (method, limit) => {
      const key = limit.keyOf(method.field('queue'))
      if (!method.field('noWait')) listIn(limit.deleting, method.channel).push(key)
      else if (!method.field('ifUnused') && !method.field('ifEmpty')) limit.forget(key)
      return undefined
    },
  },
  toClient: {
    'queue.declare-ok': (method, limit) => {
      const answered = limit.awaited.get(method.channel)?.shift()
      if (answered === undefined) return
      if (answered.isNew) limit.newCount -= 1
      if (!answered.isPassive) limit.declared(method.field('queue'), answered.isTemporary)
    },
    'queue.delete-ok': ({ channel }, limit) => {
      const key = limit.deleting.get(channel)?.shift()
      if (key !== undefined) limit.forget(key)
    },
  },
  channelClosed: (channel, limit) => {
    limit.deleting.delete(channel)
    limit.newCount -= limit.awaited.get(channel)?.filter(({ isNew }) => isNew).length ?? 0
    limit.awaited.delete(channel)
  },
  ended: ({ context, temporary }) => {
    for (const key of temporary) context.usage.queues.delete(key)
  },
}

function listIn<T>(lists: Map<number, T[]>, channel: number): T[] {
  const list = lists.get(channel) ?? []
  lists.set(channel, list)
  return list
}
