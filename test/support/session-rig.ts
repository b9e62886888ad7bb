/**
 * A session between a client of plain memory and a scripted broker on loopback: for order, malformed input and endings,
 * which no real peer shows on demand. Every byte of both legs is recorded.
 */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach } from 'node:test'
import { frame, PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import type { Arguments, Fields, MethodName } from '../../proxy/codec/spec.ts'
import {
  type ClientEnd,
  type Dialler,
  type Filter,
  type InBandRefusal,
  openSession,
  refuseInBand,
  type Session,
  type SessionEnd,
  type SessionLimits,
  type SessionOptions,
  TcpDialler,
} from '../../proxy/index.ts'
import { type SeenFrame, Transcript } from './seen-frames.ts'

const LIMITS: SessionLimits = {
  handshakeMs: 10_000,
  preOpenFrameBytes: 16_384,
  frameMaxBytes: 131_072,
  channelMax: 2047,
  heartbeatSeconds: 60,
  messageBytes: 16 * 1024 * 1024,
  buffer: { highBytes: 262_144, lowBytes: 131_072 },
  pingMs: 25_000,
}

export const BROKER_USER = 'smithj'
export const BROKER_PASSWORD = 'CANARY-broker-password'

export interface BrokerScript {
  readonly tune?: Fields<'connection.tune'>
  readonly mechanisms?: string
  /** What the broker answers to a method of the client's; `undefined` falls back to a plain broker's answers. */
  readonly on?: (frame: SeenFrame, broker: FakeBroker) => boolean
  /** Says nothing at all. */
  readonly mute?: boolean
}

/** A broker that greets, tunes and opens, and otherwise does as its test says. */
export class FakeBroker {
  readonly record = new Transcript(true)
  connections = 0
  socket: Duplex | undefined
  readonly #server: Server
  readonly #script: BrokerScript

  constructor(script: BrokerScript = {}) {
    this.#script = script
    this.#server = createServer((socket) => this.accept(socket))
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    assert.ok(address !== null && typeof address === 'object')
    return address.port
  }

  send<M extends MethodName>(name: M, fields: Arguments<M>, channel = 0): void {
    this.socket?.write(methodFrame(channel, name, fields))
  }

  write(bytes: Buffer): void {
    this.socket?.write(bytes)
  }

  close(): void {
    this.socket?.destroy()
    this.#server.close()
  }

  /** Speaks as a broker over this stream. */
  accept(socket: Duplex): void {
    this.connections++
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      const greeted = this.record.header !== undefined
      const frames = this.record.add(chunk)
      if (!greeted && this.record.header !== undefined && !this.#script.mute) this.#greet()
      for (const frame of frames) if (!this.#script.on?.(frame, this)) this.#answer(frame)
    })
  }

  #greet(): void {
    this.send('connection.start', {
      versionMajor: 0,
      versionMinor: 9,
      serverProperties: [
        { key: 'capabilities', type: 'F', value: [{ key: 'publisher_confirms', type: 't', value: true }] },
        { key: 'cluster_name', type: 'S', value: Buffer.from('rabbit@secret-host') },
        { key: 'product', type: 'S', value: Buffer.from('RabbitMQ') },
        { key: 'version', type: 'S', value: Buffer.from('3.10.8') },
      ],
      mechanisms: Buffer.from(this.#script.mechanisms ?? 'AMQPLAIN PLAIN'),
      locales: Buffer.from('en_US'),
    })
  }

  #answer({ name, channel }: SeenFrame): void {
    if (name === 'connection.start-ok')
      this.send('connection.tune', this.#script.tune ?? { channelMax: 2047, frameMax: 131_072, heartbeat: 60 })
    if (name === 'connection.open') this.send('connection.open-ok', {})
    if (name === 'connection.close') this.send('connection.close-ok', {})
    if (name === 'channel.open') this.send('channel.open-ok', {}, channel)
    if (name === 'channel.close') this.send('channel.close-ok', {}, channel)
  }
}

export interface RigOptions {
  readonly script?: BrokerScript
  readonly limits?: Partial<SessionLimits>
  readonly vhosts?: SessionOptions['vhosts']
  readonly filters?: readonly Filter[]
  readonly refusal?: InBandRefusal
  readonly renew?: SessionOptions['renew']
  readonly port?: number
  /** Instead of TCP to the scripted broker. */
  readonly dialler?: (broker: FakeBroker) => Dialler
  readonly credential?: Partial<SessionOptions['credential']>
}

/**
 * Rigs that nobody has stopped. A test whose assertion fails comes no further than that: its sockets would keep the file
 * from ending until the runner loses patience.
 */
const left = new Set<Rig>()

afterEach(() => {
  for (const rig of left) rig.abandon()
  left.clear()
})

export class Rig {
  readonly broker: FakeBroker
  readonly client = new Transcript(false)
  readonly closed: Promise<{ code: number; reason: string }>
  readonly ended: Promise<SessionEnd>
  readonly channelCloses: { channel: number; replyCode: number; text: string; method: string | undefined }[] = []
  session!: Session
  paused = false
  pings = 0
  /** What `ClientEnd.bufferedBytes` says, and whether `sent` callbacks are kept back. */
  buffered = 0
  heldCallbacks: (() => void)[] | undefined
  #closed!: (close: { code: number; reason: string }) => void
  #ended!: (end: SessionEnd) => void

  constructor(broker: FakeBroker) {
    this.broker = broker
    this.closed = new Promise((resolve) => {
      this.#closed = resolve
    })
    this.ended = new Promise((resolve) => {
      this.#ended = resolve
    })
  }

  /** What a test leaves open ends with it. */
  static async open(options: RigOptions = {}): Promise<Rig> {
    const broker = new FakeBroker(options.script)
    const rig = new Rig(broker)
    const dialler = options.dialler?.(broker) ?? tcp(options.port ?? (await broker.listen()))
    const session: SessionOptions = {
      id: 'session-1',
      client: rig.#end(),
      identity: { subject: 'joe.smith', issuer: 'staff', address: '203.0.113.7' },
      credential: {
        username: BROKER_USER,
        mechanisms: ['PLAIN', 'AMQPLAIN'],
        response: () => Buffer.from(`\0${BROKER_USER}\0${BROKER_PASSWORD}`),
        ...options.credential,
      },
      vhosts: options.vhosts ?? { pinned: '/pinned' },
      dialler,
      limits: { ...LIMITS, ...options.limits },
      filters: options.filters ?? [],
      observer: { ended: rig.#ended, channelClosed: (close) => rig.channelCloses.push(close) },
      ...(options.renew ? { renew: options.renew } : {}),
    }
    rig.session = options.refusal === undefined ? openSession(session) : refuseInBand(session, options.refusal)
    left.add(rig)
    return rig
  }

  /** A rig whose session is relaying, with these channels open. */
  static async relaying(options: RigOptions = {}, ...channels: number[]): Promise<Rig> {
    const rig = await Rig.open(options)
    await rig.handshake()
    for (const channel of channels) {
      rig.send('channel.open', {}, channel)
      await rig.client.method('channel.open-ok')
    }
    return rig
  }

  async handshake(...how: Parameters<Rig['askToOpen']>): Promise<void> {
    await this.askToOpen(...how)
    await this.client.method('connection.open-ok')
  }

  /** The handshake up to `open`; what the broker makes of that is still to come. */
  async askToOpen(
    tuneOk: Partial<Fields<'connection.tune-ok'>> = {},
    clientProperties: Fields<'connection.start-ok'>['clientProperties'] = CLIENT_PROPERTIES,
  ): Promise<void> {
    this.write(PROTOCOL_HEADER)
    await this.client.method('connection.start')
    this.send('connection.start-ok', {
      clientProperties,
      mechanism: 'PLAIN',
      response: Buffer.from('\0mallory\0CANARY-client-password'),
      locale: '',
    })
    const tune = await this.client.method('connection.tune')
    this.send('connection.tune-ok', { ...tune.fields, ...tuneOk })
    this.send('connection.open', { virtualHost: '/asked-for', reserved2: false })
  }

  send<M extends MethodName>(name: M, fields: Arguments<M>, channel = 0): void {
    this.write(methodFrame(channel, name, fields))
  }

  write(bytes: Buffer): void {
    this.session.receive(Buffer.from(bytes))
  }

  content(type: number, channel: number, payload: Buffer): void {
    this.write(frame(type, channel, payload))
  }

  /** The WebSocket goes away, as its peer's doing. */
  vanish(code = 1006): void {
    this.session.clientGone(code)
  }

  /** Ends what holds the event loop, without asking how the session takes it. */
  abandon(): void {
    this.vanish()
    this.broker.close()
  }

  async stop(): Promise<void> {
    left.delete(this)
    this.vanish()
    this.broker.close()
    await this.ended
  }

  #end(): ClientEnd {
    return {
      bufferedBytes: () => this.buffered,
      send: (parts, sent) => {
        this.client.add(Buffer.concat(parts))
        if (sent !== undefined && this.heldCallbacks !== undefined) this.heldCallbacks.push(sent)
        else if (sent !== undefined) setImmediate(sent)
      },
      ping: () => {
        this.pings++
      },
      pause: () => {
        this.paused = true
      },
      resume: () => {
        this.paused = false
      },
      close: (code, reason, last = []) => {
        if (last.length > 0) this.client.add(Buffer.concat(last))
        this.#closed({ code, reason })
        setImmediate(() => this.session.clientGone(code))
      },
      terminate: () => this.session.clientGone(1006),
    }
  }
}

function tcp(port: number): Dialler {
  return new TcpDialler({ host: '127.0.0.1', port, tls: false }, { proxyProtocol: false })
}

/** What an ordinary client says of itself. */
export const CLIENT_PROPERTIES = [
  { key: 'product', type: 'S', value: Buffer.from('test-client') },
  { key: 'connection_name', type: 'S', value: Buffer.from('I am somebody else') },
  {
    key: 'capabilities',
    type: 'F',
    value: [
      { key: 'consumer_cancel_notify', type: 't', value: true },
      { key: 'connection.blocked', type: 't', value: true },
    ],
  },
] as const satisfies Fields<'connection.start-ok'>['clientProperties']
