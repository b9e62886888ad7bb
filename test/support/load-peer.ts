/**
 * The load: an AMQP client reduced to what measuring needs, over TCP or over WebSocket, so that it costs far less than
 * what it measures. Frames are made once and sent again and again; what arrives is counted, not decoded.
 */
import { connect, type LookupFunction, type Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { WebSocket } from 'ws'
import { bodySizeOf } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, FRAME_METHOD, PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { decodeMethod, METHOD_NAMES, methodFrame, methodIndexAt } from '../../proxy/codec/method.ts'
import type { Arguments, Fields, MethodName } from '../../proxy/codec/spec.ts'

/** Where the load goes, and as whom. */
export interface Door {
  /** `amqp://host:port` straight to the broker, `ws://…` to a relay. */
  readonly url: string
  readonly vhost: string
  readonly user: string
  readonly password: string
  readonly headers?: Readonly<Record<string, string>>
  /** The authority of a `wss://…` server, where it is a test's own. */
  readonly ca?: string
}

/** By authority: to read its certificate for each connection costs a client more than the handshake. */
const contexts = new Map<string, SecureContext>()

/** For names of this machine, which a thread of the system's would be asked for each time. */
const lookUpLocally: LookupFunction = (_name, { all }, found) =>
  all === true ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4)

/** Bytes that may wait in the sender before it pauses. */
const HIGH_BYTES = 1024 * 1024

interface Pipe {
  send(bytes: Buffer): void
  waiting(): number
  drained(): Promise<void>
  end(): void
}

export class Peer {
  /** Messages delivered so far, on channel 1: there is no other. */
  delivered = 0
  /** Told of each message when all of it has come; the broker counts its delivery tags from one. */
  onDelivered: ((deliveryTag: bigint) => void) | undefined
  /** The highest publish that the broker has confirmed. */
  confirmed = 0n
  /** Of the body that is coming. */
  #missingBytes = 0
  readonly #reader = new FrameReader(0xffff_ffff)
  readonly #waiting: { readonly name: MethodName; readonly resolve: (fields: never) => void }[] = []
  readonly #watchers = new Set<() => void>()
  #pipe!: Pipe
  #failure: ((error: Error) => void) | undefined

  /** Connects and opens channel 1. @throws what ended it before that; afterwards an end is nobody's, and ends the process */
  static async open(door: Door, frameMax = 131_072): Promise<Peer> {
    const peer = new Peer()
    const failed = new Promise<never>((_resolve, reject) => {
      peer.#failure = reject
    })
    await Promise.race([peer.#open(door, frameMax), failed])
    peer.#failure = (error) => {
      throw error
    }
    return peer
  }

  async #open(door: Door, frameMax: number): Promise<void> {
    await new Promise<void>((resolve) => this.#connect(door, resolve))
    const start = this.expect('connection.start')
    this.write(PROTOCOL_HEADER)
    await start
    const tune = this.expect('connection.tune')
    this.write(
      methodFrame(0, 'connection.start-ok', {
        clientProperties: [],
        mechanism: 'PLAIN',
        response: Buffer.from(`\0${door.user}\0${door.password}`),
        locale: 'en_US',
      }),
    )
    const { channelMax, frameMax: offered } = await tune
    const opened = this.expect('connection.open-ok')
    this.send('connection.tune-ok', { channelMax, frameMax: Math.min(offered, frameMax), heartbeat: 0 })
    this.send('connection.open', { virtualHost: door.vhost, reserved2: false })
    await opened
    await this.call('channel.open', {}, 'channel.open-ok')
  }

  write(bytes: Buffer): void {
    this.#pipe.send(bytes)
  }

  send<M extends MethodName>(name: M, fields: Arguments<M>, channel = 0): void {
    this.write(methodFrame(channel, name, fields))
  }

  /** Sends on channel 1 and waits for the answer. */
  async call<M extends MethodName, R extends MethodName>(name: M, fields: Arguments<M>, answer: R): Promise<Fields<R>> {
    const answered = this.expect(answer)
    this.send(name, fields, 1)
    return answered
  }

  expect<M extends MethodName>(name: M): Promise<Fields<M>> {
    return new Promise((resolve) => this.#waiting.push({ name, resolve }))
  }

  /** Resolves when what was sent is no longer waiting here. */
  async room(): Promise<void> {
    if (this.#pipe.waiting() > HIGH_BYTES) await this.#pipe.drained()
  }

  /** Resolves as soon as the condition holds after something arrived. */
  async when(condition: () => boolean): Promise<void> {
    if (condition()) return
    await new Promise<void>((resolve) => {
      const watch = (): void => {
        if (!condition()) return
        this.#watchers.delete(watch)
        resolve()
      }
      this.#watchers.add(watch)
    })
  }

  async close(): Promise<void> {
    const closed = this.expect('connection.close-ok')
    this.send('connection.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 })
    await closed
    this.end()
  }

  end(): void {
    this.#failure = undefined
    this.#pipe.end()
  }

  #connect(door: Door, connected: () => void): void {
    const url = new URL(door.url)
    const fail = (error: Error): void => this.#failure?.(error)
    if (url.protocol === 'amqp:') {
      const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true }, connected)
      socket.on('error', fail).on('close', () => fail(new Error('the connection was closed')))
      socket.on('data', (chunk: Buffer) => this.#arrived(chunk))
      this.#pipe = tcpPipe(socket)
      return
    }
    const { headers = {}, ca } = door
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      headers,
      ...(ca === undefined ? {} : { secureContext: contextOf(ca) }),
      ...(url.hostname === 'localhost' ? { lookup: lookUpLocally } : {}),
    })
    socket.on('error', fail).on('close', (code) => fail(new Error(`the WebSocket was closed with ${code}`)))
    socket.on('open', connected)
    socket.on('message', (data: Buffer) => this.#arrived(data))
    this.#pipe = webSocketPipe(socket)
  }

  #arrived(chunk: Buffer): void {
    const reader = this.#reader
    reader.push(chunk)
    while (reader.next()) {
      if (reader.type === FRAME_METHOD) this.#method(reader)
      else if (reader.type === FRAME_HEADER)
        this.#body(bodySizeOf(reader.buffer, reader.payloadStart, reader.payloadEnd))
      else if (reader.type === FRAME_BODY) this.#body(this.#missingBytes - reader.payloadBytes)
    }
    for (const watch of this.#watchers) watch()
  }

  #body(missingBytes: number): void {
    this.#missingBytes = missingBytes
    if (missingBytes > 0) return
    this.delivered++
    this.onDelivered?.(BigInt(this.delivered))
  }

  #method(reader: FrameReader): void {
    const { buffer, payloadStart, payloadEnd } = reader
    const name = METHOD_NAMES[methodIndexAt(buffer, payloadStart, payloadEnd)] as MethodName
    if (name === 'basic.deliver') return
    if (name === 'basic.ack') {
      this.confirmed = decodeMethod(name, buffer, payloadStart + 4, payloadEnd).deliveryTag
      return
    }
    const at = this.#waiting.findIndex((waiting) => waiting.name === name)
    const fields = decodeMethod(name, buffer, payloadStart + 4, payloadEnd)
    if (at === -1) this.#failure?.(new Error(`unexpected ${name} ${JSON.stringify(fields)}`))
    else this.#waiting.splice(at, 1)[0]?.resolve(fields as never)
  }
}

function tcpPipe(socket: Socket): Pipe {
  return {
    send: (bytes) => socket.write(bytes),
    waiting: () => socket.writableLength,
    drained: () => new Promise((resolve) => socket.once('drain', resolve)),
    end: () => socket.destroy(),
  }
}

function webSocketPipe(socket: WebSocket): Pipe {
  return {
    // Masking writes over what it is given: a copy each time, as every client has to make one.
    send: (bytes) => socket.send(bytes, { binary: true }),
    waiting: () => socket.bufferedAmount,
    drained: () =>
      new Promise((resolve) => {
        const look = (): void => {
          if (socket.bufferedAmount < HIGH_BYTES / 4) resolve()
          else setImmediate(look)
        }
        look()
      }),
    end: () => socket.terminate(),
  }
}

function contextOf(ca: string): SecureContext {
  const context = contexts.get(ca) ?? createSecureContext({ ca })
  contexts.set(ca, context)
  return context
}
