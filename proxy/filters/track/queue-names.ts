/**
 * Which queues the channels of one session mean when they give no name, and which queues the broker has named for the
 * session. Learned from requests that were forwarded and from the broker's answers; what is not known for certain is not
 * answered.
 */

/** The last declared queue has no name yet: the broker is still to say it. */
export const NAME_AWAITED: unique symbol = Symbol('name awaited')

/** Most server-named queues remembered for a session; the oldest are forgotten, and with them the right to use them. */
const OWNED_MAX = 4096

/** A queue as a request means it: also one that has no name until the broker has answered an earlier request. */
export interface QueueRef {
  /** '' until it is known. */
  readonly name: string
}

/** As the one who learns the name sees it. */
export interface DeclaredRef extends QueueRef {
  name: string
}

const NOTHING_DECLARED: QueueRef = { name: '' }

export class QueueNames {
  // Made when first needed: most sessions declare nothing, or on one channel only.
  #last: Map<number, QueueRef> | undefined
  #owned: Set<string> | undefined

  /**
   * A `queue.declare` is forwarded: it either succeeds or ends its channel, so that its queue is the last declared from now
   * on. @returns the queue, whose name is to be set by `declared`
   */
  declare(channel: number, name: string): DeclaredRef {
    const ref: DeclaredRef = { name }
    this.#last ??= new Map()
    this.#last.set(channel, ref)
    return ref
  }

  /** The broker has declared it. Names may differ from what the client wrote: the broker drops line breaks. */
  declared(ref: DeclaredRef, name: string): void {
    const isNamedByBroker = ref.name === ''
    ref.name = name
    if (!isNamedByBroker) return
    this.#owned ??= new Set()
    this.#owned.add(name)
    if (this.#owned.size <= OWNED_MAX) return
    for (const oldest of this.#owned) {
      this.#owned.delete(oldest)
      return
    }
  }

  /** What an empty queue name stands for on the channel: '' where nothing was declared. */
  last(channel: number): string | typeof NAME_AWAITED {
    const ref = this.#last?.get(channel)
    if (ref === undefined) return ''
    return ref.name === '' ? NAME_AWAITED : ref.name
  }

  /** The queue that a request on the channel means by this name. */
  meant(channel: number, name: string): QueueRef {
    return name === '' ? (this.#last?.get(channel) ?? NOTHING_DECLARED) : { name }
  }

  /** Whether the broker named this queue for this session. */
  owns(queue: string): boolean {
    return this.#owned?.has(queue) ?? false
  }

  channelClosed(channel: number): void {
    this.#last?.delete(channel)
  }
}
