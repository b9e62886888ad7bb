/** How many unacknowledged deliveries the channels of one session have asked for at most. */

/** Zero: without limit. [RabbitMQ: consumer prefetch] */
interface Prefetch {
  /** Of each consumer that is started from now on. */
  each: number
  /** Of all consumers of the channel together. */
  together: number
}

export class Prefetches {
  /** Made when first needed. */
  #channels: Map<number, Prefetch> | undefined

  /** A `basic.qos` is forwarded. */
  set(channel: number, count: number, isForAll: boolean): void {
    this.#channels ??= new Map()
    const prefetch = this.#channels.get(channel) ?? { each: 0, together: 0 }
    if (isForAll) prefetch.together = count
    else prefetch.each = count
    this.#channels.set(channel, prefetch)
  }

  /** Whether a consumer that is started now gets no more than so many. */
  isWithin(channel: number, most: number): boolean {
    const { each = 0, together = 0 } = this.#channels?.get(channel) ?? {}
    return (each > 0 && each <= most) || (together > 0 && together <= most)
  }

  channelClosed(channel: number): void {
    this.#channels?.delete(channel)
  }
}
