/**
 * A client of bytes over a WebSocket, whose frames and close are kept as they come: for endings that client libraries
 * hide, such as the order of close-ok and the WebSocket's own close.
 */
import { once } from 'node:events'
import type { ClientOptions } from 'ws'
import { PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import type { Arguments, Fields, MethodName } from '../../proxy/codec/spec.ts'
import { openWebSocket, type WebSocketClose } from './amqplib-over-websocket.ts'
import { Transcript } from './seen-frames.ts'
import { CLIENT_PROPERTIES } from './session-rig.ts'

/** What it says otherwise than it would. */
export interface OpenOptions {
  readonly startOk?: Partial<Fields<'connection.start-ok'>>
  readonly tuneOk?: Partial<Fields<'connection.tune-ok'>>
}

export class BareClient {
  readonly received = new Transcript(false)
  readonly closed: Promise<WebSocketClose>
  readonly write: (bytes: Buffer) => void
  /** Is gone without a word. */
  readonly vanish: () => void

  private constructor(parts: Pick<BareClient, 'closed' | 'write' | 'vanish'>) {
    this.closed = parts.closed
    this.write = parts.write
    this.vanish = parts.vanish
  }

  /** Upgrades, and no more. @throws UpgradeRefused */
  static async upgrade(url: string, websocket: ClientOptions): Promise<BareClient> {
    const socket = await openWebSocket(url, { websocket })
    socket.on('error', () => undefined)
    const closed = once(socket, 'close').then(([code, reason]: unknown[]) => {
      return { code: Number(code), reason: String(reason) }
    })
    const write = (bytes: Buffer) => socket.send(bytes)
    const client = new BareClient({ closed, write, vanish: () => socket.terminate() })
    socket.on('message', (data: Buffer) => client.received.add(data))
    void closed.then(({ code, reason }) => client.received.end(`closed with ${code} ${reason}`))
    return client
  }

  send<M extends MethodName>(name: M, fields: Arguments<M>, channel = 0): void {
    this.write(methodFrame(channel, name, fields))
  }

  /** From the header to `open-ok`. */
  async open({ startOk = {}, tuneOk = {} }: OpenOptions = {}): Promise<void> {
    this.write(PROTOCOL_HEADER)
    await this.received.method('connection.start')
    const response = Buffer.from('\0invented\0credentials')
    this.send('connection.start-ok', {
      clientProperties: CLIENT_PROPERTIES,
      mechanism: 'PLAIN',
      response,
      locale: 'en_US',
      ...startOk,
    })
    const { fields } = await this.received.method('connection.tune')
    this.send('connection.tune-ok', { ...fields, ...tuneOk })
    this.send('connection.open', { virtualHost: '/', reserved2: false })
    await this.received.method('connection.open-ok')
  }

  async channel(number = 1): Promise<void> {
    this.send('channel.open', {}, number)
    await this.received.method('channel.open-ok')
  }
}
