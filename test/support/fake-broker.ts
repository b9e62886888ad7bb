/**
 * A scripted AMQP broker on loopback that records every byte: for what a real broker shows only when it is ill. By itself
 * it completes the handshake, opens and closes channels and answers `connection.close`; `answers` replaces any of that.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { FRAME_METHOD, PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { decodeMethod, METHOD_IDS_BYTES, METHOD_NAMES, methodFrame, methodIndexAt } from '../../proxy/codec/method.ts'
import type { Arguments, Fields, MethodName } from '../../proxy/codec/spec.ts'
import type { Table } from '../../proxy/codec/table.ts'
import { until } from './until.ts'

/** One frame from the gateway; `name` and `fields` where it is a method. */
export interface ReceivedFrame {
  readonly type: number
  readonly channel: number
  readonly payload: Buffer
  readonly name?: MethodName
  readonly fields?: Readonly<Record<string, unknown>>
}

type Answer = (connection: FakeConnection, frame: ReceivedFrame) => void

/** What the broker does when a method (or the protocol header) arrives; `null`: nothing. */
export type Answers = { readonly [M in MethodName | 'header']?: Answer | null }

export interface FakeBrokerOptions {
  readonly mechanisms?: string
  readonly serverProperties?: Table
  readonly channelMax?: number
  readonly frameMax?: number
  readonly heartbeatSeconds?: number
  readonly answers?: Answers
}

const text = (key: string, value: string) => ({ key, type: 'S', value: Buffer.from(value) }) as const
const yes = (key: string) => ({ key, type: 't', value: true }) as const

const SERVER_PROPERTIES: Table = [
  text('product', 'Fake'),
  text('version', '0.0.0'),
  {
    key: 'capabilities',
    type: 'F',
    value: [
      'publisher_confirms',
      'exchange_exchange_bindings',
      'basic.nack',
      'consumer_cancel_notify',
      'connection.blocked',
      'authentication_failure_close',
    ].map(yes),
  },
]

/** One connection from the gateway. */
export class FakeConnection {
  readonly socket: Socket
  readonly frames: ReceivedFrame[] = []
  /** The first eight bytes, as soon as they are there. */
  header: Buffer | undefined
  readonly #chunks: Buffer[] = []
  readonly #reader = new FrameReader(0x7fff_ffff)
  readonly #answers: Answers
  #looked = 0

  constructor(socket: Socket, answers: Answers) {
    this.socket = socket
    this.#answers = answers
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
  }

  /** Every byte that arrived. */
  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get isOpen(): boolean {
    return !this.socket.destroyed
  }

  send<M extends MethodName>(channel: number, name: M, fields: Arguments<M>): void {
    this.write(methodFrame(channel, name, fields))
  }

  /** Any bytes at all. */
  write(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  /** The next method of this name, in the order of arrival; what came before it is passed over. */
  async next<M extends MethodName>(name: M, deadlineMs?: number): Promise<{ channel: number; fields: Fields<M> }> {
    const frame = await until(
      () => {
        while (this.#looked < this.frames.length) {
          const candidate = this.frames[this.#looked++]
          if (candidate?.name === name) return candidate
        }
        return undefined
      },
      `${name} at the fake broker`,
      deadlineMs,
    )
    return { channel: frame.channel, fields: frame.fields as Fields<M> }
  }

  /** All methods of one name so far. */
  all<M extends MethodName>(name: M): Fields<M>[] {
    return this.frames.filter((frame) => frame.name === name).map((frame) => frame.fields as Fields<M>)
  }

  /** A TCP reset. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Settles when the connection is gone. */
  async closed(): Promise<void> {
    if (!this.socket.closed) await once(this.socket, 'close')
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#reader.push(chunk)
    if (this.header === undefined) {
      this.header = this.#reader.header()
      if (this.header === undefined) return
      this.#answers.header?.(this, { type: 0, channel: 0, payload: this.header })
    }
    while (this.#reader.next()) {
      const frame = this.#frame()
      this.frames.push(frame)
      if (frame.name !== undefined) this.#answers[frame.name]?.(this, frame)
    }
  }

  #frame(): ReceivedFrame {
    const { type, channel, buffer, payloadStart, payloadEnd } = this.#reader
    const payload = Buffer.from(buffer.subarray(payloadStart, payloadEnd))
    if (type !== FRAME_METHOD) return { type, channel, payload }
    const name = METHOD_NAMES[methodIndexAt(payload, 0, payload.length)]
    if (name === undefined) return { type, channel, payload }
    const fields = decodeMethod(name, payload, METHOD_IDS_BYTES, payload.length)
    return { type, channel, payload, name, fields }
  }
}

export class FakeBroker {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly connections: FakeConnection[] = []
  readonly #server: Server

  constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  get url(): string {
    return `amqp://${this.host}:${this.port}`
  }

  /** The n-th connection, from 0, as soon as it is there. */
  async connection(index = 0): Promise<FakeConnection> {
    return until(() => this.connections[index], `connection ${index} at the fake broker`)
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const connection of this.connections) {
      connection.socket.destroy()
      await connection.closed()
    }
  }
}

/** Starts a fake broker on port 0. */
export async function startFakeBroker(options: FakeBrokerOptions = {}): Promise<FakeBroker> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const broker = new FakeBroker(server)
  const answers = { ...usualAnswers(options), ...options.answers }
  server.on('connection', (socket) => broker.connections.push(new FakeConnection(socket, answers)))
  return broker
}

function usualAnswers(options: FakeBrokerOptions): Answers {
  return {
    header: (connection, { payload }) => {
      if (!payload.equals(PROTOCOL_HEADER)) {
        connection.socket.end(PROTOCOL_HEADER)
        return
      }
      connection.send(0, 'connection.start', {
        versionMajor: 0,
        versionMinor: 9,
        serverProperties: options.serverProperties ?? SERVER_PROPERTIES,
        mechanisms: Buffer.from(options.mechanisms ?? 'PLAIN AMQPLAIN'),
        locales: Buffer.from('en_US'),
      })
    },
    'connection.start-ok': (connection) =>
      connection.send(0, 'connection.tune', {
        channelMax: options.channelMax ?? 2047,
        frameMax: options.frameMax ?? 131_072,
        heartbeat: options.heartbeatSeconds ?? 60,
      }),
    'connection.open': (connection) => connection.send(0, 'connection.open-ok', {}),
    'connection.close': (connection) => {
      connection.send(0, 'connection.close-ok', {})
      connection.socket.end()
    },
    'connection.close-ok': (connection) => connection.socket.end(),
    'channel.open': (connection, { channel }) => connection.send(channel, 'channel.open-ok', {}),
    'channel.close': (connection, { channel }) => connection.send(channel, 'channel.close-ok', {}),
  }
}
