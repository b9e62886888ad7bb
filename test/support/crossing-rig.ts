/**
 * Filters between a client and a model of the broker, with everything on its way for as long as a script says: requests and
 * answers cross as they do where the broker is far away.
 */
import type { Arguments, FromBroker, FromClient } from '../../proxy/codec/spec.ts'
import type { Filter } from '../../proxy/filters/filter.ts'
import { consume, FilterSession, queueDeclare } from './filter-session.ts'
import { ModelBroker, type Sent } from './model-broker.ts'

export const CHANNELS = [1, 2] as const
export const QUEUES = ['a', 'b', 'c'] as const

export type Step =
  | { readonly do: 'open' | 'close'; readonly channel: number }
  | {
      readonly do: 'declare'
      readonly channel: number
      readonly queue: string
      readonly passive: boolean
      readonly noWait: boolean
    }
  | {
      readonly do: 'delete'
      readonly channel: number
      readonly queue: string
      readonly ifUnused: boolean
      readonly noWait: boolean
    }
  | {
      readonly do: 'consume'
      readonly channel: number
      readonly queue: string
      readonly tag: string
      readonly noWait: boolean
    }
  | { readonly do: 'cancel'; readonly channel: number; readonly tag: string; readonly noWait: boolean }
  /** The broker reads, works, and is read. */
  | { readonly do: 'arrive' | 'receive' }
  | { readonly do: 'work'; readonly channel: number }
  | { readonly do: 'foreign'; readonly queue: string }
  | { readonly do: 'exchange'; readonly to: number }

export class CrossingRig {
  readonly session: FilterSession
  readonly broker = new ModelBroker()
  /** Of which the broker has said nothing: deleted by somebody else, or with a consumer that it did not confirm any more. */
  readonly unsaid = new Set<string>()
  readonly #toBroker: Sent[] = []
  readonly #open = new Set<number>()
  /** Closed by the client or the gateway, and not answered yet. */
  readonly #closing = new Set<number>()
  #cancelled = 0
  #closed = 0

  constructor(filters: readonly Filter[]) {
    this.session = new FilterSession(filters)
  }

  isOpen(channel: number): boolean {
    return this.#open.has(channel)
  }

  run(step: Step): void {
    switch (step.do) {
      case 'open':
        if (!this.#open.has(step.channel) && !this.#closing.has(step.channel)) {
          this.#send('channel.open', {}, step.channel)
          this.#open.add(step.channel)
        }
        break
      case 'close':
        if (this.#open.has(step.channel)) this.#close(step.channel)
        break
      case 'declare': {
        const { queue, passive, noWait } = step
        // Each name has flags of its own, so that most declarations are alike.
        const flags = { exclusive: queue === '' || queue === 'b', autoDelete: queue === 'c' }
        this.#send('queue.declare', queueDeclare(queue, { passive, noWait, ...flags }), step.channel)
        break
      }
      case 'delete': {
        const { queue, ifUnused, noWait } = step
        this.#send('queue.delete', { queue, ifUnused, ifEmpty: false, noWait }, step.channel)
        break
      }
      case 'consume':
        this.#send('basic.consume', consume(step.queue, { consumerTag: step.tag, noWait: step.noWait }), step.channel)
        break
      case 'cancel':
        this.#send('basic.cancel', { consumerTag: step.tag, noWait: step.noWait }, step.channel)
        break
      case 'arrive':
        this.#arrive()
        break
      case 'work':
        this.broker.step(step.channel)
        break
      case 'receive':
        this.#receive()
        break
      case 'foreign':
        if (this.broker.queues.has(step.queue)) this.unsaid.add(step.queue)
        this.broker.remove(step.queue)
        break
      case 'exchange':
        throw new Error('for those who have filters to exchange')
    }
  }

  exchange(filters: readonly Filter[]): void {
    this.session.exchange(filters)
    this.#obey()
  }

  /** Until nothing is on its way. */
  settle(): void {
    while (this.#arrive() || CHANNELS.some((channel) => this.broker.step(channel)) || this.#receive());
  }

  /** Channel, tag and queue of every consumer in the books. */
  consumers(): string[] {
    return this.session.view.track.consumers.list().map(({ channel, tag, queue }) => `${channel} ${tag} ${queue.name}`)
  }

  #send<M extends FromClient>(name: M, fields: Arguments<M>, channel: number): void {
    if (name !== 'channel.open' && !this.#open.has(channel)) return
    const outcome = this.session.send(name, fields, channel)
    this.#obey()
    if (outcome.kind === 'refused') return this.#close(channel)
    this.#toBroker.push({ channel, name, fields: outcome.rewritten ?? fields } as unknown as Sent)
  }

  #close(channel: number): void {
    this.#open.delete(channel)
    this.#closing.add(channel)
    this.#toBroker.push({ channel, name: 'channel.close', fields: {} })
  }

  /** What filters do to the session. */
  #obey(): void {
    for (const { channel, consumerTag } of this.session.cancelled.slice(this.#cancelled)) {
      if (!this.#open.has(channel)) continue
      this.#toBroker.push({ channel, name: 'basic.cancel', fields: { consumerTag, noWait: false } })
    }
    this.#cancelled = this.session.cancelled.length
    for (const { channel } of this.session.closed.slice(this.#closed)) if (this.#open.has(channel)) this.#close(channel)
    this.#closed = this.session.closed.length
  }

  #arrive(): boolean {
    const sent = this.#toBroker.shift()
    if (sent !== undefined) this.broker.arrive(sent)
    return sent !== undefined
  }

  #receive(): boolean {
    const answer = this.broker.out.shift()
    if (answer === undefined) return false
    const { channel, name, fields } = answer
    if (name === 'channel.close') {
      // A consumer may have come and gone with the channel, and its queue with it.
      for (const { queue, isStarted } of this.session.view.track.consumers.list())
        if (!isStarted) this.unsaid.add(queue.name)
      this.session.channelFailed(channel)
      // Where the close crosses another, that one is the broker's answer, too.
      if (!this.#closing.has(channel)) this.#toBroker.push({ channel, name: 'channel.close-ok', fields: {} })
      this.#closing.delete(channel)
      this.#open.delete(channel)
    } else if (name === 'channel.close-ok') {
      this.session.channelClosed(channel)
      this.#closing.delete(channel)
    } else {
      const whole = { messageCount: 0, consumerCount: 0, ...fields }
      this.session.receive(name, whole as unknown as Arguments<FromBroker>, channel)
    }
    return true
  }
}
