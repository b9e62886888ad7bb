/**
 * A session's live consumers and the queues they read, so that those can be ended whose right is withdrawn, and a tag that
 * is in use is not used again (which would cost the client its connection).
 */

/** Most consumers of one session. */
const CONSUMERS_MAX = 10_000

export interface Consumer {
  readonly channel: number
  /** '' where the broker chose it and did not say (`no-wait`). */
  readonly tag: string
  readonly queue: string
}

interface ChannelConsumers {
  readonly byTag: Map<string, string>
  /** Queues of consumers whose tag the broker is still to say, in order. */
  readonly awaited: string[]
  /** Queues of consumers whose tag nobody will ever say. */
  readonly unnamed: string[]
}

export class Consumers {
  /** Made when first needed. */
  #channels: Map<number, ChannelConsumers> | undefined
  #count = 0

  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count >= CONSUMERS_MAX
  }

  has(channel: number, tag: string): boolean {
    return this.#channels?.get(channel)?.byTag.has(tag) ?? false
  }

  /** A `basic.consume` is forwarded. */
  start(channel: number, tag: string, queue: string, noWait: boolean): void {
    this.#channels ??= new Map()
    let consumers = this.#channels.get(channel)
    if (consumers === undefined) {
      consumers = { byTag: new Map(), awaited: [], unnamed: [] }
      this.#channels.set(channel, consumers)
    }
    if (tag !== '') consumers.byTag.set(tag, queue)
    else if (noWait) consumers.unnamed.push(queue)
    else consumers.awaited.push(queue)
    this.#count += 1
  }

  /** The broker says a consumer's tag. */
  started(channel: number, tag: string): void {
    const consumers = this.#channels?.get(channel)
    if (consumers === undefined || consumers.byTag.has(tag)) return
    const queue = consumers.awaited.shift()
    if (queue !== undefined) consumers.byTag.set(tag, queue)
  }

  stopped(channel: number, tag: string): void {
    if (this.#channels?.get(channel)?.byTag.delete(tag) === true) this.#count -= 1
  }

  channelClosed(channel: number): void {
    const consumers = this.#channels?.get(channel)
    if (consumers === undefined) return
    this.#count -= consumers.byTag.size + consumers.awaited.length + consumers.unnamed.length
    this.#channels?.delete(channel)
  }

  /** All of them, as they are now. Those whose tag is still awaited come with the tag ''. */
  list(): Consumer[] {
    const all: Consumer[] = []
    for (const [channel, { byTag, awaited, unnamed }] of this.#channels ?? []) {
      for (const [tag, queue] of byTag) all.push({ channel, tag, queue })
      for (const queue of [...awaited, ...unnamed]) all.push({ channel, tag: '', queue })
    }
    return all
  }
}
