/**
 * A client that does harm: a bare socket that speaks just enough HTTP, WebSocket and AMQP to get where it wants, sends
 * bytes made once over and over, and reads only when it is told to. It costs its own process as little as it can.
 */
import { connect, type Socket } from 'node:net'
import { PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { METHOD_NAMES, methodFrame, methodIndexAt } from '../../proxy/codec/method.ts'
import type { MethodName } from '../../proxy/codec/spec.ts'

export const TEXT = 1
export const BINARY = 2
const CLOSE = 8
export const PING = 9
export const FRAGMENT = 0

export interface Target {
  /** `ws://host:port` */
  readonly url: string
  readonly authorization: string
}

/** What became of all sockets of this process: HTTP statuses, WebSocket codes, and silent ends; how often each. */
export const outcomes: Record<string, number> = {}

function count(outcome: string): void {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
}

/** One WebSocket frame of a client's, under a mask of zeros. */
export function webSocketFrame(opcode: number, payload: Uint8Array, fin = true): Buffer {
  const { length } = payload
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head[0] = (fin ? 0x80 : 0) | opcode
  head[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127)
  if (head.length === 4) head.writeUInt16BE(length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, Buffer.alloc(4), payload])
}

/** So many copies of some bytes. */
export function times(bytes: Buffer, many: number): Buffer {
  return Buffer.concat(Array.from({ length: many }, () => bytes))
}

export class Flooder {
  readonly socket: Socket
  #seen: Buffer = Buffer.alloc(0)
  #watch: (() => void) | undefined
  #told = false

  /** @param localAddress an address of the loopback network, so that one process looks like many */
  constructor({ url }: Target, localAddress = '127.0.0.1') {
    const { hostname, port } = new URL(url)
    this.socket = connect({ host: hostname, port: Number(port), localAddress, noDelay: true })
    this.socket.on('error', () => undefined)
    this.socket.on('data', (chunk: Buffer) => this.#arrived(chunk))
    this.socket.on('close', () => this.#closed())
  }

  get isOpen(): boolean {
    return !this.socket.destroyed
  }

  /** Up to the 101. @throws when refused */
  async upgrade({ authorization }: Target, path = '/amqp'): Promise<void> {
    this.socket.write(
      `GET ${path} HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: ${authorization}\r\n\r\n`,
    )
    await this.#until(() => this.#seen.includes('\r\n\r\n'))
    const status = this.#seen.toString('latin1', 9, 12)
    count(`HTTP ${status}`)
    if (status !== '101') throw new Error(status)
    this.#seen = this.#seen.subarray(this.#seen.indexOf('\r\n\r\n') + 4)
  }

  /** A whole session with a channel. @throws when it does not come about */
  static async session(target: Target, path = '/amqp'): Promise<Flooder> {
    const flooder = new Flooder(target)
    await flooder.upgrade(target, path)
    flooder.amqp(Buffer.from(PROTOCOL_HEADER))
    await flooder.heard('connection.start')
    const startOk = { clientProperties: [], mechanism: 'PLAIN', response: Buffer.from('x'), locale: 'en_US' }
    flooder.amqp(methodFrame(0, 'connection.start-ok', startOk))
    await flooder.heard('connection.tune')
    flooder.amqp(
      methodFrame(0, 'connection.tune-ok', { channelMax: 2047, frameMax: 131_072, heartbeat: 0 }),
      methodFrame(0, 'connection.open', { virtualHost: '/', reserved2: false }),
      methodFrame(1, 'channel.open', {}),
    )
    await flooder.heard('channel.open-ok')
    return flooder
  }

  /** Sends AMQP frames as one message. */
  amqp(...frames: readonly Buffer[]): void {
    this.socket.write(webSocketFrame(BINARY, Buffer.concat(frames)))
  }

  /** Sends the same bytes again and again as fast as they are taken, until the deadline or the end. */
  async flood(bytes: Buffer, untilMs: number): Promise<void> {
    while (this.isOpen && performance.now() < untilMs) {
      if (this.socket.write(bytes)) await new Promise((resolve) => setImmediate(resolve))
      else await this.#drained(untilMs)
    }
  }

  /** Resolves at the end of the socket or at the deadline. */
  async ended(untilMs: number): Promise<void> {
    if (!this.isOpen) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, untilMs - performance.now()))
      this.socket.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** Waits for a method, as its four bytes show in what arrives. */
  async heard(name: MethodName): Promise<void> {
    await this.#until(() => {
      for (let at = 0; at + 4 <= this.#seen.length; at++)
        if (METHOD_NAMES[methodIndexAt(this.#seen, at, this.#seen.length)] === name) return true
      return false
    })
    this.#seen = Buffer.alloc(0)
  }

  destroy(): void {
    this.#told = true
    this.socket.destroy()
  }

  async #drained(untilMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.socket.off('drain', done).off('close', done)
        resolve()
      }
      const timer = setTimeout(done, Math.max(0, untilMs - performance.now()))
      this.socket.on('drain', done).on('close', done)
    })
  }

  #arrived(chunk: Buffer): void {
    if (chunk.length >= 4 && chunk[0] === (0x80 | CLOSE)) this.#closing(chunk.readUInt16BE(2))
    // What nobody waits for is not kept.
    this.#seen = this.#watch === undefined ? chunk : Buffer.concat([this.#seen, chunk])
    this.#watch?.()
  }

  #closing(code: number): void {
    this.#told = true
    count(`WebSocket ${code}`)
    this.socket.end()
  }

  #closed(): void {
    if (!this.#told) count('cut')
    this.#watch?.()
  }

  async #until(condition: () => boolean): Promise<void> {
    if (condition()) return
    await new Promise<void>((resolve, reject) => {
      this.#watch = () => {
        if (condition()) resolve()
        else if (this.socket.destroyed) reject(new Error('ended'))
      }
    }).finally(() => {
      this.#watch = undefined
    })
  }
}
