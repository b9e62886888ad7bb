/**
 * The load of a drain: clients that publish with confirms to a queue of their own and acknowledge what they get from it,
 * clients that do nothing, and a ledger of both. Reduced to what it needs, so that thousands fit into one process.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { connect } from 'amqplib'
import { WebSocket } from 'ws'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, FRAME_METHOD, frame, PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { decodeMethod, METHOD_NAMES, methodFrame, methodIndexAt } from '../../proxy/codec/method.ts'
import type { Arguments, Fields, MethodName } from '../../proxy/codec/spec.ts'
import { quantile } from './quantile.ts'
import { Random } from './random.ts'

/** How a client behaves. */
export type Habit = 'busy' | 'idle' | 'never acknowledges'

export interface DrainDoor {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** The authority of a `wss://` server, where it is a test's own. */
  readonly ca?: string
}

/** A client acknowledges within so long. */
const ANSWER_MS = 100
const PUBLISH_EVERY_MS = 100
/** Sessions that are opened at the same time. */
const AT_ONCE = 50

export class DrainClient {
  readonly habit: Habit
  readonly queue: string
  published = 0
  /** By number, from 1. */
  readonly confirmed = new Set<number>()
  readonly acknowledged = new Set<number>()
  redelivered = 0
  /** A frame of the gateway's had no end, or a message had none. */
  isCut = false
  replyText = ''
  /** When it was told to go, and so got nothing more, on the clock of `performance`. */
  toldAtMs = 0
  /** Since the drain began. */
  endedMs = 0
  closeCode = 0
  readonly #socket: WebSocket
  readonly #reader = new FrameReader(0xffff_ffff)
  readonly #random: Random
  #waiting: { readonly name: MethodName; resolve(): void; reject(error: Error): void } | undefined
  #isClosing = false
  #delivery: Fields<'basic.deliver'> | undefined
  #missing = 0
  #body = ''

  private constructor(door: DrainDoor, habit: Habit, queue: string, random: Random) {
    this.habit = habit
    this.queue = queue
    this.#random = random
    this.#socket = new WebSocket(door.url, { headers: { ...door.headers }, ca: door.ca, perMessageDeflate: false })
  }

  /** Rejects where it does not get in; it is gone then. */
  static async open(door: DrainDoor, habit: Habit, queue: string, random: Random): Promise<DrainClient> {
    const client = new DrainClient(door, habit, queue, random)
    try {
      await client.#open()
      return client
    } catch (error) {
      client.vanish()
      throw error
    }
  }

  /** Resolves when its WebSocket is closed. */
  ended(startedMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('close', (code) => {
        this.endedMs = performance.now() - startedMs
        this.closeCode = code
        this.isCut ||= this.#reader.pendingBytes > 0 || this.#missing > 0 || this.#delivery !== undefined
        resolve()
      })
    })
  }

  /** Is gone without a word. */
  vanish(): void {
    this.#socket.terminate()
  }

  publish(): void {
    if (this.#isClosing || this.#socket.readyState !== WebSocket.OPEN) return
    const body = Buffer.from(String(++this.published))
    this.#write(
      Buffer.concat([
        methodFrame(1, 'basic.publish', { exchange: '', routingKey: this.queue, mandatory: false, immediate: false }),
        frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: body.length })),
        frame(FRAME_BODY, 1, body),
      ]),
    )
  }

  async #open(): Promise<void> {
    const socket = this.#socket
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
    socket.on('error', () => undefined)
    socket.once('close', (code) => this.#waiting?.reject(new Error(`closed with ${code}: ${this.replyText}`)))
    socket.on('message', (data: Buffer) => this.#arrived(data))
    await this.#asked(PROTOCOL_HEADER, 'connection.start')
    const startOk = { clientProperties: [], mechanism: 'PLAIN', response: Buffer.from('\0x\0y'), locale: 'en_US' }
    await this.#asked(methodFrame(0, 'connection.start-ok', startOk), 'connection.tune')
    this.#send('connection.tune-ok', { channelMax: 8, frameMax: 131_072, heartbeat: 0 })
    await this.#asked(methodFrame(0, 'connection.open', { virtualHost: '/', reserved2: false }), 'connection.open-ok')
    if (this.habit === 'idle') return
    await this.#asked(methodFrame(1, 'channel.open', {}), 'channel.open-ok')
    await this.#asked(methodFrame(1, 'confirm.select', { noWait: false }), 'confirm.select-ok')
    const bits = { passive: false, durable: true, exclusive: false, autoDelete: false, noWait: false }
    await this.#asked(
      methodFrame(1, 'queue.declare', { queue: this.queue, ...bits, arguments: [] }),
      'queue.declare-ok',
    )
    const how = { consumerTag: '', noLocal: false, noAck: false, exclusive: false, noWait: false, arguments: [] }
    await this.#asked(methodFrame(1, 'basic.consume', { queue: this.queue, ...how }), 'basic.consume-ok')
  }

  async #asked(bytes: Buffer, name: MethodName): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      this.#waiting = { name, resolve, reject }
    })
    this.#write(bytes)
    await answered
    this.#waiting = undefined
  }

  #send<M extends MethodName>(name: M, fields: Arguments<M>, channel = 0): void {
    this.#write(methodFrame(channel, name, fields))
  }

  #write(bytes: Buffer): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(bytes)
  }

  #arrived(data: Buffer): void {
    const reader = this.#reader
    reader.push(data)
    while (reader.next()) {
      if (reader.type === FRAME_METHOD) this.#method(reader)
      else if (reader.type === FRAME_HEADER)
        this.#missing = Number(reader.buffer.readBigUInt64BE(reader.payloadStart + 4))
      else if (reader.type === FRAME_BODY) {
        this.#body += reader.payload().toString()
        this.#missing -= reader.payloadBytes
        if (this.#missing === 0) this.#delivered()
      }
    }
  }

  #method({ buffer, payloadStart, payloadEnd }: FrameReader): void {
    const name = METHOD_NAMES[methodIndexAt(buffer, payloadStart, payloadEnd)]
    if (name === undefined) throw new Error('an unknown method')
    if (name === 'basic.deliver') this.#delivery = decodeMethod(name, buffer, payloadStart + 4, payloadEnd)
    else if (name === 'basic.ack') {
      const { deliveryTag, multiple } = decodeMethod(name, buffer, payloadStart + 4, payloadEnd)
      for (let tag = Number(deliveryTag); tag > 0 && !this.confirmed.has(tag); tag--) {
        this.confirmed.add(tag)
        if (!multiple) break
      }
    } else if (name === 'connection.close') {
      this.#isClosing = true
      this.toldAtMs = performance.now()
      this.replyText = decodeMethod(name, buffer, payloadStart + 4, payloadEnd).replyText
      this.#send('connection.close-ok', {})
    } else if (this.#waiting?.name === name) this.#waiting.resolve()
  }

  #delivered(): void {
    const delivery = this.#delivery
    const number = Number(this.#body)
    this.#delivery = undefined
    this.#body = ''
    if (delivery === undefined) throw new Error('a body without a delivery')
    if (delivery.redelivered) this.redelivered++
    if (this.habit === 'never acknowledges') return
    setTimeout(() => {
      if (this.#isClosing) return
      this.acknowledged.add(number)
      this.#send('basic.ack', { deliveryTag: delivery.deliveryTag, multiple: false }, 1)
    }, this.#random.below(ANSWER_MS))
  }
}

/** Many clients at one gateway. */
export class DrainLoad {
  readonly clients: readonly DrainClient[]
  readonly #publishing: NodeJS.Timeout
  #startedMs = 0
  #ended: Promise<unknown> = Promise.resolve()

  private constructor(clients: readonly DrainClient[]) {
    this.clients = clients
    const busy = clients.filter(({ habit }) => habit !== 'idle')
    // Evenly, as people are: a tenth of them every tenth of the time.
    let turn = 0
    this.#publishing = setInterval(() => {
      for (let at = turn % 10; at < busy.length; at += 10) busy[at]?.publish()
      turn++
    }, PUBLISH_EVERY_MS / 10)
  }

  static async open(door: DrainDoor, counts: Readonly<Record<Habit, number>>, seed = 1): Promise<DrainLoad> {
    const random = new Random(seed)
    const habits = (Object.entries(counts) as [Habit, number][]).flatMap(([habit, count]) =>
      Array.from({ length: count }, () => habit),
    )
    const clients: DrainClient[] = []
    // Of this load alone: what another one left in its queues would come again here.
    const name = `drain-${randomUUID()}`
    const left = habits.map((habit, at) => ({ habit, queue: `${name}-${at}` }))
    const opening = Array.from({ length: AT_ONCE }, async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop())
        clients.push(await DrainClient.open(door, next.habit, next.queue, random))
    })
    await Promise.all(opening)
    return new DrainLoad(clients)
  }

  /** The drain begins now. */
  begins(): void {
    this.#startedMs = performance.now()
    this.#ended = Promise.all(this.clients.map((client) => client.ended(this.#startedMs)))
  }

  /** Resolves when every client has been sent away. */
  async isOver(): Promise<void> {
    await this.#ended
    clearInterval(this.#publishing)
  }

  /** Looks into the queues: what is stored, and what would come again. */
  async report(brokerUrl: string): Promise<DrainReport> {
    return await drainReport(this.clients, brokerUrl)
  }

  stop(): void {
    clearInterval(this.#publishing)
  }

  /** Resolves when all of them are gone, without a word. */
  async vanish(): Promise<void> {
    this.begins()
    for (const client of this.clients) client.vanish()
    await this.isOver()
  }
}

/** Of clients that have ended. */
export async function drainReport(clients: readonly DrainClient[], brokerUrl: string): Promise<DrainReport> {
  const connection = await connect(brokerUrl)
  const channel = await connection.createChannel()
  const report: DrainReport = { confirmed: 0, lost: 0, redelivered: 0, cut: 0, lastMs: 0, medianMs: 0 }
  for (const client of clients) {
    report.lastMs = Math.max(report.lastMs, client.endedMs)
    if (client.isCut) report.cut++
    if (client.habit === 'idle') continue
    const stored = new Set(client.acknowledged)
    for (let message = await channel.get(client.queue); message !== false; message = await channel.get(client.queue)) {
      stored.add(Number(message.content))
      if (message.fields.redelivered && client.habit === 'busy') report.redelivered++
    }
    report.redelivered += client.redelivered
    report.confirmed += client.confirmed.size
    for (const number of client.confirmed) if (!stored.has(number)) report.lost++
  }
  const endedMs = clients.map((client) => client.endedMs).toSorted((one, other) => one - other)
  report.medianMs = quantile(endedMs, 0.5)
  await connection.close()
  return report
}

export interface DrainReport {
  confirmed: number
  /** Confirmed, neither acknowledged nor in the queue. */
  lost: number
  /** Messages that came again to clients that acknowledge, or would have. */
  redelivered: number
  /** Clients that got a part of a frame or a message. */
  cut: number
  lastMs: number
  medianMs: number
}

/** Every client was sent away in the same words. */
export function assertSentAway({ clients }: DrainLoad): void {
  for (const { closeCode, replyText } of clients)
    assert.deepEqual([closeCode, replyText], [1012, 'CONNECTION_FORCED - the gateway asks to reconnect'])
}
