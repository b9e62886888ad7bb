/**
 * A client and a broker with the gateway's relay between them, and a network on both legs that holds every frame until it
 * is let through. Both keep to the protocol; what they do and when is the test's. The rig judges each moment at which the
 * session says that it is quiet.
 */
import assert from 'node:assert/strict'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import { Gather } from '../../proxy/session/legs/gather.ts'
import { QuietPoint } from '../../proxy/session/relaying/quiet-point.ts'
import { Relay } from '../../proxy/session/relaying/relay.ts'
import { ToBroker } from '../../proxy/session/relaying/to-broker.ts'
import { ToClient } from '../../proxy/session/relaying/to-client.ts'
import { Pipe, type Seen } from './crossing/wire.ts'
import { FilterSession } from './filter-session.ts'

export type QuietStep =
  | { readonly do: 'publish'; readonly channel: number; readonly isWhole: boolean }
  | { readonly do: 'go on' | 'get' | 'commit' | 'deliver'; readonly channel: number }
  | { readonly do: 'consume'; readonly channel: number; readonly noAck: boolean }
  | { readonly do: 'settle' | 'confirm'; readonly channel: number; readonly at: number; readonly multiple: boolean }
  | { readonly do: 'hop'; readonly pipe: number; readonly times: number }

type Mode = 'plain' | 'confirms' | 'transactions'

/** One channel as its two ends know it. */
class Ends {
  readonly mode: Mode
  /** The client's: frames of the publish it has begun, and deliveries that it has and has not settled. */
  begun: Buffer | undefined
  rest: Buffer[] = []
  unsettled: number[] = []
  /** The broker's: consumers by tag with whether they acknowledge, tags given, publishes taken and not confirmed. */
  readonly consumers = new Map<string, boolean>()
  nextTag = 1
  readonly unconfirmed: number[] = []
  published = 0
  /** What the broker has delivered for acknowledgement, and has not been acknowledged. */
  readonly owed = new Set<number>()
  /** Publishes and settlements since the last commit, at the client. */
  isInTransaction = false
  brokerIsInTransaction = false

  constructor(mode: Mode) {
    this.mode = mode
  }
}

export class QuietRig {
  readonly #pipes = { toGateway: new Pipe(), toBroker: new Pipe(), fromBroker: new Pipe(), toClient: new Pipe() }
  readonly #relay: Relay
  readonly #towardsBroker: ToBroker
  readonly #towardsClient: ToClient
  readonly #clientReader = new FrameReader(0xffff)
  readonly #brokerReader = new FrameReader(0xffff)
  readonly #ends: ReadonlyMap<number, Ends>
  /** Frames in the order in which the client has sent them, and those of them that left for the broker. */
  readonly #sent: string[] = []
  readonly #forwarded: string[] = []
  #point: QuietPoint | undefined
  #isStalled = false
  #isOver = false
  #consumerCount = 0
  isHolding = false

  constructor(modes: readonly [Mode, Mode]) {
    const options = {
      toBroker: new Gather(),
      toClient: new Gather(),
      channelMax: 16,
      clientPayloadMax: 0xffff,
      client: { cancelNotify: true, blocked: true },
    }
    const rules = { filters: [], messageBytes: 65_536 }
    this.#relay = new Relay(options, rules, () => new FilterSession([]).view)
    this.#towardsBroker = new ToBroker(this.#relay, () => undefined)
    this.#towardsClient = new ToClient(
      this.#relay,
      () => undefined,
      () => '',
    )
    this.#ends = new Map(modes.map((mode, at) => [at + 1, new Ends(mode)]))
    for (const [channel, { mode }] of this.#ends) {
      this.#send(methodFrame(channel, 'channel.open', {}))
      if (mode === 'confirms') this.#send(methodFrame(channel, 'confirm.select', { noWait: true }))
      if (mode === 'transactions') this.#send(methodFrame(channel, 'tx.select', {}))
    }
    this.#letEverythingArrive()
  }

  bringToQuiet(): void {
    this.#point = new QuietPoint(this.#relay)
    this.#relay.quietPoint = this.#point
    this.#passed()
  }

  /** @throws AssertionError where the session is quiet and somebody loses something by it */
  do(step: QuietStep): void {
    if (this.#isOver) return
    if (step.do === 'hop') {
      for (let left = step.times; left > 0 && !this.#isOver; left--) this.#hop(step.pipe)
    } else this.#act(step, this.#at(step.channel))
  }

  /**
   * Everything arrives, the client ends what it has begun and settles what it gets, and the broker answers.
   * @throws AssertionError where the session does not come to its quiet point by that
   */
  doTheirPart(): void {
    for (let round = 0; round < 50 && !this.#isOver; round++) {
      this.#letEverythingArrive()
      for (const [channel, ends] of this.#ends) {
        const [rest, unsettled, unconfirmed] = [[...ends.rest], [...ends.unsettled], [...ends.unconfirmed]]
        for (const _ of rest) this.do({ do: 'go on', channel })
        for (const _ of unsettled) this.do({ do: 'settle', channel, at: 0, multiple: false })
        if (ends.isInTransaction) this.do({ do: 'commit', channel })
        for (const _ of unconfirmed) this.do({ do: 'confirm', channel, at: 0, multiple: false })
      }
    }
    assert.ok(this.#isOver, 'it is quiet in the end')
  }

  #act(step: Exclude<QuietStep, { do: 'hop' }>, ends: Ends): void {
    const { channel } = step
    if (step.do === 'publish') this.#publish(channel, ends, step.isWhole)
    else if (step.do === 'go on') this.#goOn(ends)
    else if (ends.rest.length > 0 && !['deliver', 'confirm'].includes(step.do)) return
    else if (step.do === 'consume') this.#consume(channel, step.noAck)
    else if (step.do === 'get') this.#send(methodFrame(channel, 'basic.get', { queue: 'q', noAck: false }))
    else if (step.do === 'settle') this.#settle(channel, ends, step)
    else if (step.do === 'commit') this.#commit(channel, ends)
    else if (step.do === 'deliver') this.#deliver(channel, ends)
    else if (step.do === 'confirm') this.#confirm(channel, ends, step)
  }

  #publish(channel: number, ends: Ends, isWhole: boolean): void {
    if (ends.rest.length > 0) return
    if (ends.mode === 'transactions') ends.isInTransaction = true
    const fields = { exchange: 'x', routingKey: 'k', mandatory: false, immediate: false }
    // The gateway sends it on with its header.
    const method = methodFrame(channel, 'basic.publish', fields)
    ends.begun = method
    this.#pipes.toGateway.write(method)
    ends.rest = [
      frame(FRAME_HEADER, channel, encodeContentHeader({ bodySize: 2 })),
      frame(FRAME_BODY, channel, Buffer.from('a')),
      frame(FRAME_BODY, channel, Buffer.from('b')),
    ]
    while (isWhole && ends.rest.length > 0) this.#goOn(ends)
  }

  #goOn(ends: Ends): void {
    const next = ends.rest.shift()
    if (next === undefined) return
    if (ends.begun !== undefined) this.#sent.push(ends.begun.toString('hex'))
    ends.begun = undefined
    this.#send(next)
  }

  #consume(channel: number, noAck: boolean): void {
    const consumerTag = `${noAck ? 'free' : 'ack'}-${++this.#consumerCount}`
    const fields = { queue: 'q', consumerTag, noLocal: false, noAck, exclusive: false, noWait: false, arguments: [] }
    this.#send(methodFrame(channel, 'basic.consume', fields))
  }

  #settle(channel: number, ends: Ends, { at, multiple }: { readonly at: number; readonly multiple: boolean }): void {
    const tag = ends.unsettled[at % Math.max(1, ends.unsettled.length)]
    if (tag === undefined) return
    if (ends.mode === 'transactions') ends.isInTransaction = true
    ends.unsettled = ends.unsettled.filter((one) => (multiple ? one > tag : one !== tag))
    this.#send(methodFrame(channel, 'basic.ack', { deliveryTag: BigInt(tag), multiple }))
  }

  #commit(channel: number, ends: Ends): void {
    if (ends.mode !== 'transactions') return
    ends.isInTransaction = false
    this.#send(methodFrame(channel, 'tx.commit', {}))
  }

  #deliver(channel: number, ends: Ends): void {
    const [consumerTag] = [...ends.consumers.keys()].toSorted(() => (ends.nextTag % 2 === 0 ? 1 : -1))
    if (consumerTag === undefined) return
    const deliveryTag = ends.nextTag++
    if (ends.consumers.get(consumerTag) === true) ends.owed.add(deliveryTag)
    const fields = { consumerTag, deliveryTag: BigInt(deliveryTag), redelivered: false, exchange: '', routingKey: 'q' }
    this.#pipes.fromBroker.write(withBody(channel, methodFrame(channel, 'basic.deliver', fields)))
  }

  #confirm(channel: number, ends: Ends, { at, multiple }: { readonly at: number; readonly multiple: boolean }): void {
    const tag = ends.unconfirmed[at % Math.max(1, ends.unconfirmed.length)]
    if (tag === undefined) return
    const left = ends.unconfirmed.filter((one) => (multiple ? one > tag : one !== tag))
    ends.unconfirmed.splice(0, ends.unconfirmed.length, ...left)
    this.#pipes.fromBroker.write(methodFrame(channel, 'basic.ack', { deliveryTag: BigInt(tag), multiple }))
  }

  #send(bytes: Buffer): void {
    this.#sent.push(bytes.toString('hex'))
    this.#pipes.toGateway.write(bytes)
  }

  /** One frame arrives. @returns false when there is none */
  #hop(pipe: number): boolean {
    const { toGateway, toBroker, fromBroker, toClient } = this.#pipes
    if (pipe === 0) {
      if (toGateway.isEmpty || this.#isStalled) return false
      this.#clientReader.push(toGateway.take().bytes)
      this.#clientReader.next()
      this.#judgeClientFrame()
    } else if (pipe === 1) {
      if (toBroker.isEmpty) return false
      this.#brokerReceives(toBroker.take())
    } else if (pipe === 2) {
      if (fromBroker.isEmpty) return false
      this.#brokerReader.push(fromBroker.take().bytes)
      this.#brokerReader.next()
      this.#towardsClient.frame(this.#brokerReader)
      this.#passed()
      if (this.#isStalled && !this.#isOver) this.#judgeClientFrame()
    } else {
      if (toClient.isEmpty) return false
      this.#clientReceives(toClient.take())
    }
    return true
  }

  #judgeClientFrame(): void {
    this.#isStalled = !this.#towardsBroker.frame(this.#clientReader)
    this.#towardsBroker.settle()
    if (this.#isStalled) this.isHolding = true
    this.#passed()
  }

  /** What the relay has gathered is on its way; the session ends as soon as it is quiet. */
  #passed(): void {
    const { toBroker, toClient } = this.#relay
    const before = this.#pipes.toBroker.frames.length
    if (toBroker.bytes > 0) this.#pipes.toBroker.write(Buffer.concat(toBroker.drain()))
    if (toClient.bytes > 0) this.#pipes.toClient.write(Buffer.concat(toClient.drain()))
    const gateways = 'basic.cancel'
    for (const { name, bytes } of this.#pipes.toBroker.frames.slice(before))
      if (name !== gateways) this.#forwarded.push(bytes.toString('hex'))
    assert.deepEqual(this.#forwarded, this.#sent.slice(0, this.#forwarded.length), 'a beginning of what was sent')
    if (this.#point?.isReached !== true) return
    this.#isOver = true
    this.#judge()
  }

  /** What had been sent by either side before the end arrives: then nobody may miss anything. */
  #judge(): void {
    while (!this.#pipes.toBroker.isEmpty) this.#brokerReceives(this.#pipes.toBroker.take())
    for (const [channel, ends] of this.#ends) {
      assert.deepEqual(ends.unconfirmed, [], `channel ${channel}: publishes that the broker has not confirmed`)
      assert.deepEqual([...ends.owed], [], `channel ${channel}: deliveries that would come again`)
      assert.equal(ends.brokerIsInTransaction, false, `channel ${channel}: a transaction is open`)
      assert.equal(ends.consumers.size, 0, `channel ${channel}: somebody consumes`)
    }
    assert.ok(this.#pipes.fromBroker.isEmpty || this.#onlyAnswers(), 'messages are on their way')
  }

  #onlyAnswers(): boolean {
    return this.#pipes.fromBroker.frames.every(({ name }) => name !== 'basic.deliver' && name !== 'basic.get-ok')
  }

  #brokerReceives({ name, fields, bytes }: Seen): void {
    const channel = bytes.readUInt16BE(1)
    const ends = this.#at(channel)
    const answer = (frame: Buffer): void => this.#pipes.fromBroker.write(frame)
    if (name === 'channel.open') answer(methodFrame(channel, 'channel.open-ok', {}))
    else if (name === 'tx.select') answer(methodFrame(channel, 'tx.select-ok', {}))
    else if (name === 'basic.publish') {
      if (ends.mode === 'confirms') ends.unconfirmed.push(++ends.published)
      if (ends.mode === 'transactions') ends.brokerIsInTransaction = true
    } else if (name === 'basic.consume') {
      const consumerTag = String(fields['consumerTag'])
      ends.consumers.set(consumerTag, consumerTag.startsWith('ack'))
      answer(methodFrame(channel, 'basic.consume-ok', { consumerTag }))
    } else if (name === 'basic.cancel') {
      const consumerTag = String(fields['consumerTag'])
      ends.consumers.delete(consumerTag)
      answer(methodFrame(channel, 'basic.cancel-ok', { consumerTag }))
    } else if (name === 'basic.get') {
      const deliveryTag = ends.nextTag++
      ends.owed.add(deliveryTag)
      const got = {
        deliveryTag: BigInt(deliveryTag),
        redelivered: false,
        exchange: '',
        routingKey: 'q',
        messageCount: 0,
      }
      answer(withBody(channel, methodFrame(channel, 'basic.get-ok', got)))
    } else if (name === 'basic.ack') {
      const tag = Number(fields['deliveryTag'])
      if (ends.mode === 'transactions') ends.brokerIsInTransaction = true
      for (const owed of [...ends.owed])
        if (fields['multiple'] === true ? owed <= tag : owed === tag) ends.owed.delete(owed)
    } else if (name === 'tx.commit') {
      ends.brokerIsInTransaction = false
      answer(methodFrame(channel, 'tx.commit-ok', {}))
    }
  }

  #clientReceives({ name, fields, bytes }: Seen): void {
    const ends = this.#at(bytes.readUInt16BE(1))
    const isOwed =
      name === 'basic.get-ok' || (name === 'basic.deliver' && String(fields['consumerTag']).startsWith('ack'))
    if (isOwed) ends.unsettled.push(Number(fields['deliveryTag']))
  }

  #letEverythingArrive(): void {
    for (let isMoving = true; isMoving && !this.#isOver; )
      isMoving = [0, 1, 2, 3].map((pipe) => !this.#isOver && this.#hop(pipe)).includes(true)
  }

  #at(channel: number): Ends {
    const ends = this.#ends.get(channel)
    if (ends === undefined) throw new Error(`there is no channel ${channel}`)
    return ends
  }
}

function withBody(channel: number, method: Buffer): Buffer {
  return Buffer.concat([
    method,
    frame(FRAME_HEADER, channel, encodeContentHeader({ bodySize: 1 })),
    frame(FRAME_BODY, channel, Buffer.from('x')),
  ])
}
