/**
 * What a session's channels have declared: the queue that an empty name stands for, and the queues that the broker named
 * for this session, which are its own. Learned from requests that were forwarded and from the broker's answers; what is
 * not known for certain is not answered.
 */

/** The last declared queue has no name yet: the broker is still to say it. */
export const NAME_AWAITED: unique symbol = Symbol('name awaited')

/** Most server-named queues remembered for a session; the oldest are forgotten, and with them the right to use them. */
const OWNED_MAX = 4096
/** Most declarations of one channel that may await their answer. */
const AWAITED_MAX = 1024

interface ChannelQueues {
  last: string | typeof NAME_AWAITED
  /** Names of declarations on their way, as the client wrote them. */
  readonly awaited: string[]
}

export class DeclaredQueues {
  // Made when first needed: most sessions declare nothing, or on one channel only.
  #channels: Map<number, ChannelQueues> | undefined
  #owned: Set<string> | undefined

  /**
   * A `queue.declare` is forwarded. A declaration by name either succeeds or ends its channel, so its name is the last
   * declared from now on. @returns false when too many await their answer: then it must not be forwarded
   */
  declare(channel: number, queue: string, noWait: boolean): boolean {
    this.#channels ??= new Map()
    const queues = this.#channels.get(channel) ?? { last: '', awaited: [] }
    if (queues.awaited.length >= AWAITED_MAX) return false
    queues.last = queue === '' ? NAME_AWAITED : queue
    if (!noWait) queues.awaited.push(queue)
    this.#channels.set(channel, queues)
    return true
  }

  /** The broker answers the oldest declaration of the channel. @returns whether it named the queue for this session */
  declared(channel: number, queue: string): boolean {
    const queues = this.#channels?.get(channel)
    if (queues?.awaited.shift() !== '') return false
    if (queues.last === NAME_AWAITED && !queues.awaited.includes('')) queues.last = queue
    this.#owned ??= new Set()
    this.#owned.add(queue)
    if (this.#owned.size > OWNED_MAX) for (const oldest of this.#owned.keys()) return this.#owned.delete(oldest)
    return true
  }

  /** What an empty queue name stands for on the channel: '' where nothing was declared. */
  last(channel: number): string | typeof NAME_AWAITED {
    return this.#channels?.get(channel)?.last ?? ''
  }

  /** Whether the broker named this queue for this session. */
  owns(queue: string): boolean {
    return this.#owned?.has(queue) ?? false
  }

  channelClosed(channel: number): void {
    this.#channels?.delete(channel)
  }
}
