/**
 * What RabbitMQ does with the channels of one connection, as far as books are kept of it: a judge for those books. Each
 * channel is a process with one mailbox. Answers to `consume` and `cancel` come from the queue, by way of the end of that
 * mailbox, so that other answers overtake them; the news that a queue has gone takes the same way.
 */
import assert from 'node:assert/strict'
import type { Fields, FromBroker, FromClient } from '../../proxy/codec/spec.ts'

export type Sent = { [M in FromClient]: { channel: number; name: M; fields: Partial<Fields<M>> } }[FromClient]
export type Answer = { [M in FromBroker]: { channel: number; name: M; fields: Partial<Fields<M>> } }[FromBroker]

interface ModelQueue {
  readonly name: string
  readonly exclusive: boolean
  readonly autoDelete: boolean
  readonly consumers: Set<string>
}

type Mail = Sent | { answer: Answer } | { down: ModelQueue }

interface ModelChannel {
  readonly mailbox: Mail[]
  readonly consumers: Map<string, ModelQueue>
  last: string
  /** Closed by an error: everything but the end of the handshake is ignored. */
  dead: boolean
}

export class ModelBroker {
  readonly queues = new Map<string, ModelQueue>()
  readonly channels = new Map<number, ModelChannel>()
  /** On its way to the gateway. */
  readonly out: Answer[] = []
  #named = 0

  /** A method has come over the wire. */
  arrive(sent: Sent): void {
    if (sent.name === 'channel.open') {
      assert.ok(!this.channels.has(sent.channel), 'a channel is opened twice')
      this.channels.set(sent.channel, { mailbox: [], consumers: new Map(), last: '', dead: false })
      return
    }
    const channel = this.channels.get(sent.channel)
    assert.ok(channel !== undefined, `${sent.name} on a channel that is not open`)
    channel.mailbox.push(sent)
  }

  /** The channel takes what is first in its mailbox. @returns whether there was anything */
  step(number: number): boolean {
    const channel = this.channels.get(number)
    const mail = channel?.mailbox.shift()
    if (channel === undefined || mail === undefined) return false
    if ('answer' in mail) this.#say(channel, mail.answer)
    else if ('down' in mail) this.#down(number, channel, mail.down)
    else if (!channel.dead) this.#handle(channel, mail)
    else if (mail.name === 'channel.close-ok' || mail.name === 'channel.close') this.channels.delete(number)
    return true
  }

  /** Somebody else deletes a queue. */
  remove(name: string): void {
    const queue = this.queues.get(name)
    if (queue === undefined) return
    this.queues.delete(name)
    for (const { mailbox } of this.channels.values()) mailbox.push({ down: queue })
  }

  /** Channel, tag and queue of every consumer. */
  consumers(): string[] {
    return [...this.channels].flatMap(([number, { consumers }]) =>
      [...consumers].map(([tag, { name }]) => `${number} ${tag} ${name}`),
    )
  }

  #say(channel: ModelChannel, answer: Answer): void {
    if (!channel.dead) this.out.push(answer)
  }

  #down(number: number, channel: ModelChannel, queue: ModelQueue): void {
    for (const [tag, consumed] of channel.consumers) {
      if (consumed !== queue) continue
      channel.consumers.delete(tag)
      this.#say(channel, { channel: number, name: 'basic.cancel', fields: { consumerTag: tag, noWait: true } })
    }
  }

  #fail(number: number, channel: ModelChannel): void {
    this.#say(channel, { channel: number, name: 'channel.close', fields: {} })
    channel.dead = true
    this.#dropConsumers(number, channel)
  }

  #dropConsumers(number: number, channel: ModelChannel): void {
    for (const tag of [...channel.consumers.keys()]) this.#unconsume(number, channel, tag)
  }

  #unconsume(number: number, channel: ModelChannel, tag: string): void {
    const queue = channel.consumers.get(tag)
    channel.consumers.delete(tag)
    if (queue?.consumers.delete(`${number} ${tag}`) !== true) return
    if (queue.autoDelete && queue.consumers.size === 0) this.remove(queue.name)
  }

  #handle(channel: ModelChannel, sent: Sent): void {
    const { channel: number } = sent
    switch (sent.name) {
      case 'channel.close':
        this.#dropConsumers(number, channel)
        this.channels.delete(number)
        this.out.push({ channel: number, name: 'channel.close-ok', fields: {} })
        break
      case 'queue.declare': {
        const { queue = '', passive = false, exclusive = false, autoDelete = false } = sent.fields
        const found = this.queues.get(queue)
        const differs = found !== undefined && (found.exclusive !== exclusive || found.autoDelete !== autoDelete)
        if (passive ? found === undefined : differs) return this.#fail(number, channel)
        const name = queue === '' ? `amq.gen-${++this.#named}` : queue
        if (found === undefined) this.queues.set(name, { name, exclusive, autoDelete, consumers: new Set() })
        channel.last = name
        this.#say(channel, { channel: number, name: 'queue.declare-ok', fields: { queue: name } })
        break
      }
      case 'queue.delete': {
        const queue = this.queues.get(sent.fields.queue === '' ? channel.last : (sent.fields.queue ?? ''))
        if (queue !== undefined && sent.fields.ifUnused === true && queue.consumers.size > 0)
          return this.#fail(number, channel)
        if (queue !== undefined) this.remove(queue.name)
        this.#say(channel, { channel: number, name: 'queue.delete-ok', fields: { messageCount: 0 } })
        break
      }
      case 'basic.consume': {
        const queue = this.queues.get(sent.fields.queue === '' ? channel.last : (sent.fields.queue ?? ''))
        if (queue === undefined) return this.#fail(number, channel)
        const consumerTag =
          sent.fields.consumerTag === '' ? `amq.ctag-${++this.#named}` : (sent.fields.consumerTag ?? '')
        assert.ok(!channel.consumers.has(consumerTag), 'a tag is used twice: the connection would be lost')
        channel.consumers.set(consumerTag, queue)
        queue.consumers.add(`${number} ${consumerTag}`)
        if (sent.fields.noWait !== true)
          this.#later(channel, { channel: number, name: 'basic.consume-ok', fields: { consumerTag } })
        break
      }
      case 'basic.cancel': {
        const { consumerTag = '' } = sent.fields
        const answer: Answer = { channel: number, name: 'basic.cancel-ok', fields: { consumerTag } }
        if (channel.consumers.has(consumerTag)) this.#later(channel, answer)
        else this.#say(channel, answer)
        this.#unconsume(number, channel, consumerTag)
        break
      }
      default:
        assert.fail(`the model knows no ${sent.name}`)
    }
  }

  #later({ mailbox }: ModelChannel, answer: Answer): void {
    mailbox.push({ answer })
  }
}
