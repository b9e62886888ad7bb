/** A peer of a listener that writes what it is given, byte for byte, over TCP or TLS, and keeps what it is answered. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { until } from './until.ts'

export class RawPeer {
  readonly socket: Socket
  text = ''

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.setEncoding('latin1')
  }

  /** @param ca makes it TLS, with a handshake that is finished when this resolves */
  static async connect(port: number, ca?: string): Promise<RawPeer> {
    const options = { host: '127.0.0.1', port, noDelay: true }
    const peer = new RawPeer(
      ca === undefined ? connect(options) : connectTls({ ...options, ca, servername: 'localhost' }),
    )
    await once(peer.socket, ca === undefined ? 'connect' : 'secureConnect')
    return peer
  }

  /** Keeps what is answered from now on; until then nothing is read. */
  reads(): this {
    this.socket.on('data', (chunk: string) => {
      this.text += chunk
    })
    return this
  }

  write(text: string): this {
    this.socket.write(text, 'latin1')
    return this
  }

  get isOpen(): boolean {
    return !this.socket.closed && !this.socket.readableEnded
  }

  /** The statuses of all answers so far, in order. */
  get statuses(): string[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status = '']) => status)
  }

  /** Resolves when the other end has ended it. */
  async ended(timeoutMs?: number): Promise<void> {
    await until(() => !this.isOpen, 'the end of the connection', timeoutMs)
  }
}
