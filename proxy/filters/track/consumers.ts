/**
 * A session's consumers and the queues they read: from the moment a `basic.consume` is forwarded until the broker says that
 * the consumer is gone. A tag may stand for several of them, one after the other, as long as answers are on their way.
 */
import type { QueueRef } from './queue-names.ts'
import { Watchers } from './watchers.ts'

export interface Consumer {
  readonly channel: number
  /** '' until the broker has said which it chose. */
  readonly tag: string
  readonly queue: QueueRef
  /** Its deliveries await an acknowledgement. */
  readonly needsAck: boolean
  /** The broker has said that it is there. */
  readonly isStarted: boolean
  /** The broker will not say so: the client wants no answer. */
  readonly isSilent: boolean
  /** A `basic.cancel` is on its way: the broker removes it before it looks at whatever follows on the channel. */
  readonly isCancelled: boolean
}

/** A consumer as it is asked for. */
export type NewConsumer = Pick<Consumer, 'channel' | 'tag' | 'queue' | 'needsAck' | 'isSilent'>

/** What is to be told of: each step of every consumer's life. */
export interface ConsumerWatcher {
  asked?(consumer: Consumer): void
  started?(consumer: Consumer): void
  gone?(consumer: Consumer): void
}

/** As this book changes it. */
interface Entry extends Consumer {
  tag: string
  isStarted: boolean
  isCancelled: boolean
}

interface ChannelConsumers {
  readonly all: Set<Entry>
  /** In the order of the requests. */
  readonly byTag: Map<string, Entry[]>
}

export class Consumers {
  readonly watchers: Watchers<ConsumerWatcher> = new Watchers()
  /** Made when first needed. */
  #channels: Map<number, ChannelConsumers> | undefined
  #count = 0

  /** Those that are there, or may be. */
  get count(): number {
    return this.#count
  }

  /** Whether the broker would refuse one more consumer with this tag. */
  isInUse(channel: number, tag: string): boolean {
    return this.#newest(channel, tag)?.isCancelled === false
  }

  /** Whether what is delivered for a tag awaits an acknowledgement. */
  needsAck(channel: number, tag: string): boolean {
    return this.#channels?.get(channel)?.byTag.get(tag)?.[0]?.needsAck !== false
  }

  /** A `basic.consume` is forwarded. */
  ask({ channel, tag, queue, needsAck, isSilent }: NewConsumer): Consumer {
    this.#channels ??= new Map()
    let consumers = this.#channels.get(channel)
    if (consumers === undefined) {
      consumers = { all: new Set(), byTag: new Map() }
      this.#channels.set(channel, consumers)
    }
    const consumer: Entry = { channel, tag, queue, needsAck, isStarted: false, isSilent, isCancelled: false }
    consumers.all.add(consumer)
    if (tag !== '') index(consumers, consumer)
    this.#count += 1
    this.watchers.tell((watcher) => watcher.asked?.(consumer))
    return consumer
  }

  /** The broker has done what was asked for; `tag` is '' where it closed the channel before it said which it chose. */
  started(consumer: Consumer, tag: string): void {
    const consumers = this.#channels?.get(consumer.channel)
    const entry = consumer as Entry
    if (entry.isStarted || consumers?.all.has(entry) !== true) return
    entry.isStarted = true
    if (entry.tag === '') {
      entry.tag = tag
      if (tag !== '') index(consumers, entry)
    }
    this.watchers.tell((watcher) => watcher.started?.(entry))
  }

  /** A `basic.cancel` is forwarded. @returns the consumer that it ends, if there is one */
  cancel(channel: number, tag: string): Consumer | undefined {
    const newest = this.#newest(channel, tag)
    if (newest === undefined || newest.isCancelled) return undefined
    newest.isCancelled = true
    return newest
  }

  /** The broker cancels by itself, which it does to a consumer that is there: not to one that is still to come. */
  cancelledByBroker(channel: number, tag: string): void {
    const oldest = this.#channels?.get(channel)?.byTag.get(tag)?.[0]
    if (oldest?.isStarted === true || oldest?.isSilent === true) this.cancelled(oldest)
  }

  /** The broker has said that this one is gone: so it was there. */
  cancelled(consumer: Consumer): void {
    this.started(consumer, consumer.tag)
    this.remove(consumer)
  }

  /** It is gone, or was never there. */
  remove(consumer: Consumer): void {
    const consumers = this.#channels?.get(consumer.channel)
    const entry = consumer as Entry
    if (consumers?.all.delete(entry) !== true) return
    const same = consumers.byTag.get(entry.tag)
    if (same !== undefined) {
      same.splice(same.indexOf(entry), 1)
      if (same.length === 0) consumers.byTag.delete(entry.tag)
    }
    this.#count -= 1
    this.watchers.tell((watcher) => watcher.gone?.(entry))
  }

  /** The broker has closed the channel. @param isAllDone it has done before what it was asked for */
  channelClosed(channel: number, isAllDone: boolean): void {
    for (const consumer of this.#channels?.get(channel)?.all ?? []) {
      if (isAllDone) this.cancelled(consumer)
      else this.remove(consumer)
    }
    this.#channels?.delete(channel)
  }

  /** All of them, as they are now. */
  list(): Consumer[] {
    return [...(this.#channels?.values() ?? [])].flatMap(({ all }) => [...all])
  }

  #newest(channel: number, tag: string): Entry | undefined {
    return this.#channels?.get(channel)?.byTag.get(tag)?.at(-1)
  }
}

function index({ byTag }: ChannelConsumers, consumer: Entry): void {
  const same = byTag.get(consumer.tag)
  if (same === undefined) byTag.set(consumer.tag, [consumer])
  else same.push(consumer)
}
