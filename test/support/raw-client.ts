/**
 * An AMQP client that sends whatever a test wants, frame by frame, over a WebSocket or straight over TCP, and says what came
 * back on which channel. It obeys no rule of the protocol but the opening's, and a channel.close it answers.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { ContentHeader, encodeContentHeader, type Properties } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, FRAME_METHOD, frame, PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { checkShape, decodeMethod, METHOD_NAMES, methodFrame, methodIndexAt } from '../../proxy/codec/method.ts'
import type { Arguments, Fields, FromBroker, FromClient, MethodName } from '../../proxy/codec/spec.ts'
import { openWebSocket } from './amqplib-over-websocket.ts'
import type { BrokerUser } from './broker.ts'
import { within } from './until.ts'

const FRAME_MAX = 131_072
const BODY_MAX = FRAME_MAX - 8
const CLIENT_PROPERTIES = [
  {
    key: 'capabilities',
    type: 'F',
    value: [
      { key: 'consumer_cancel_notify', type: 't', value: true },
      { key: 'authentication_failure_close', type: 't', value: true },
    ],
  },
] as const

/** A method from the other side. */
export interface Heard {
  readonly name: MethodName
  readonly fields: Record<string, unknown>
}

/** The exception a channel or connection was closed with. */
export interface Closed {
  readonly refused: 'channel.close' | 'connection.close'
  readonly code: number
  readonly text: string
}

interface Wire {
  write(bytes: Buffer): void
  end(): void
}

export class RawClient {
  readonly #wire: Wire
  readonly #reader = new FrameReader(FRAME_MAX * 2)
  readonly #header = new ContentHeader()
  readonly #heard = new Map<number, Heard[]>()
  readonly #waiting = new Map<number, (heard: Heard) => void>()
  readonly #abandon: (() => void)[] = []
  /** Bodies of deliveries, get-oks and returns, as text, in order. */
  readonly bodies: string[] = []
  /** The same for each channel. */
  readonly bodiesOf: Map<number, string[]> = new Map()
  /** The `reply-to` of every content that had one, in order. */
  readonly replyTos: string[] = []
  isClosed = false
  /** The other side's `connection.close`, which is for all channels. */
  #end: Heard | undefined

  private constructor(wire: Wire) {
    this.#wire = wire
  }

  /** Through a gateway. */
  static async overWebSocket(url: string, headers: Readonly<Record<string, string>>): Promise<RawClient> {
    const socket = await openWebSocket(url, { websocket: { headers } })
    socket.on('error', () => undefined)
    const client = new RawClient({ write: (bytes) => socket.send(bytes), end: () => socket.terminate() })
    socket.on('message', (data: Buffer) => client.#receive(data))
    socket.on('close', () => client.#closed())
    await client.#open({ username: 'invented', password: 'credentials' }, '/')
    return client
  }

  /** Straight to the broker. */
  static async overTcp(
    broker: { host: string; port: number },
    user: BrokerUser,
    vhost: string,
    largestFrame = FRAME_MAX,
  ): Promise<RawClient> {
    const socket = connect(broker.port, broker.host).setNoDelay()
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    const client = new RawClient({ write: (bytes) => socket.write(bytes), end: () => socket.destroy() })
    socket.on('data', (data: Buffer) => client.#receive(data))
    socket.on('close', () => client.#closed())
    await client.#open(user, vhost, largestFrame)
    return client
  }

  async #open({ username, password }: BrokerUser, virtualHost: string, largestFrame = FRAME_MAX): Promise<void> {
    this.#wire.write(PROTOCOL_HEADER)
    await this.expect('connection.start', 0)
    const response = Buffer.from(`\0${username}\0${password}`)
    this.send(
      'connection.start-ok',
      { clientProperties: CLIENT_PROPERTIES, mechanism: 'PLAIN', response, locale: 'en_US' },
      0,
    )
    const tune = await this.expect('connection.tune', 0)
    const frameMax = Math.min(largestFrame, tune.frameMax)
    this.send('connection.tune-ok', { channelMax: tune.channelMax, frameMax, heartbeat: 0 }, 0)
    this.send('connection.open', { virtualHost }, 0)
    await this.expect('connection.open-ok', 0)
    await this.openChannel(1)
  }

  async openChannel(channel: number): Promise<void> {
    this.send('channel.open', {}, channel)
    await this.expect('channel.open-ok', channel)
  }

  send<M extends FromClient>(name: M, fields: Arguments<M>, channel = 1): void {
    this.#wire.write(methodFrame(channel, name, fields))
  }

  /** A method, a content header and a body, in one write. */
  publish(exchange: string, routingKey: string, options: PublishOptions = {}): void {
    const { properties = {}, body = 'body', channel = 1, mandatory = false, immediate = false } = options
    const header = options.header ?? encodeContentHeader({ bodySize: Buffer.byteLength(body), properties })
    const parts = [
      methodFrame(channel, 'basic.publish', { exchange, routingKey, mandatory, immediate }),
      frame(FRAME_HEADER, channel, header),
    ]
    const bytes = Buffer.from(body)
    for (let at = 0; at < bytes.length; at += BODY_MAX)
      parts.push(frame(FRAME_BODY, channel, bytes.subarray(at, at + BODY_MAX)))
    this.#wire.write(Buffer.concat(parts))
  }

  /** Any bytes. */
  write(bytes: Buffer): void {
    this.#wire.write(bytes)
  }

  /** Sends a method and returns the fields of its answer, or the exception. A closed channel is opened again. */
  async call<M extends FromClient, A extends FromBroker>(
    name: M,
    fields: Arguments<M>,
    answer: A,
    channel = 1,
  ): Promise<Fields<A> | Closed> {
    this.send(name, fields, channel)
    return this.answer(answer, channel)
  }

  /** The next method on the channel: the fields of the expected answer, or the exception. A closed channel is opened again. */
  async answer<A extends FromBroker>(expected: A, channel = 1): Promise<Fields<A> | Closed> {
    for (;;) {
      const { name, fields } = await this.next(channel)
      if (name === expected) return fields as Fields<A>
      if (name === 'channel.close' || name === 'connection.close') {
        if (name === 'channel.close') await this.reopen(channel)
        return { refused: name, code: Number(fields['replyCode']), text: String(fields['replyText']) }
      }
    }
  }

  /**
   * Whether the channel was closed for what was sent on it until now: asks something harmless and sees what comes first.
   * A closed channel is opened again.
   */
  async verdict(channel = 1): Promise<Closed | 'open'> {
    const answer = await this.call(
      'basic.qos',
      { prefetchSize: 0, prefetchCount: 0, global: false },
      'basic.qos-ok',
      channel,
    )
    return isClosed(answer) ? answer : 'open'
  }

  async expect<A extends FromBroker>(name: A, channel = 1): Promise<Fields<A>> {
    const heard = await this.next(channel)
    if (heard.name !== name)
      throw new Error(`expected ${name}, heard ${heard.name} ${JSON.stringify(heard.fields['replyText'])}`)
    return heard.fields as Fields<A>
  }

  /** The next method on the channel; a `connection.close` is one of any channel. */
  async next(channel = 1): Promise<Heard> {
    const heard = this.#heard.get(channel)?.shift() ?? this.#end
    if (heard !== undefined) return heard
    if (this.isClosed) throw new Error('the connection is closed')
    const coming = new Promise<Heard>((resolve, reject) => {
      this.#waiting.set(channel, resolve)
      this.#abandon.push(() => reject(new Error('the connection was closed')))
    })
    return within(coming, `a method on channel ${channel}`)
  }

  close(): void {
    this.#wire.end()
  }

  /** Answers a `channel.close` and opens the channel again. */
  async reopen(channel = 1): Promise<void> {
    this.send('channel.close-ok', {}, channel)
    this.send('channel.open', {}, channel)
    // What was still on its way on the closed channel comes before the answer.
    for (;;) if ((await this.next(channel)).name === 'channel.open-ok') return
  }

  #receive(data: Buffer): void {
    this.#reader.push(Buffer.from(data))
    while (this.#reader.next()) {
      const { type, channel, buffer, payloadStart, payloadEnd } = this.#reader
      if (type === FRAME_BODY) {
        const body = buffer.toString('utf8', payloadStart, payloadEnd)
        this.bodies.push(body)
        const bodies = this.bodiesOf.get(channel) ?? []
        bodies.push(body)
        this.bodiesOf.set(channel, bodies)
      }
      if (type === FRAME_HEADER) {
        const replyTo = this.#header.read(buffer, payloadStart, payloadEnd).property('replyTo')
        if (replyTo !== undefined) this.replyTos.push(replyTo)
      }
      if (type !== FRAME_METHOD) continue
      const name = METHOD_NAMES[methodIndexAt(buffer, payloadStart, payloadEnd)]
      if (name === undefined) continue
      const payload = Buffer.from(buffer.subarray(payloadStart, payloadEnd))
      const heard = { name, fields: decodeMethod(name, payload, 4, payload.length, checkShape) }
      if (name !== 'connection.close') this.#hand(channel, heard)
      else {
        this.#end = heard
        for (const waiting of [...this.#waiting.keys()]) this.#hand(waiting, heard)
      }
    }
  }

  #hand(channel: number, heard: Heard): void {
    const waiting = this.#waiting.get(channel)
    this.#waiting.delete(channel)
    if (waiting !== undefined) waiting(heard)
    else this.#heard.set(channel, [...(this.#heard.get(channel) ?? []), heard])
  }

  #closed(): void {
    this.isClosed = true
    for (const abandon of this.#abandon.splice(0)) abandon()
  }
}

export interface PublishOptions {
  readonly properties?: Properties
  /** Instead of the properties: the content header's payload. */
  readonly header?: Buffer
  readonly body?: string
  readonly channel?: number
  readonly mandatory?: boolean
  readonly immediate?: boolean
}

/** Whether an answer is an exception. */
export function isClosed(answer: object | string): answer is Closed {
  return typeof answer === 'object' && 'refused' in answer
}
