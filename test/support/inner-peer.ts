/** The inner end of a tunnel, played by hand: it echoes as many challenges as a test wants, and shows what it is given. */
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { readProxyHeader } from '../../src/http/proxy-protocol/header.ts'
import { beginsChallenge, echoOf, MESSAGE_BYTES, TUNNEL_PROTOCOL } from '../../src/tunnel/wire.ts'
import type { Certificate } from './certificates.ts'
import { until } from './until.ts'
import type { OuterDoor, Wall } from './wall.ts'

export interface InnerPeerOptions {
  /** Absent: none is shown. */
  readonly certificate?: Certificate | undefined
  /** Challenges that it echoes; all when left out. */
  readonly echoes?: number
  readonly connect?: ConnectionOptions & { readonly localAddress?: string }
}

export class InnerPeer {
  readonly socket: TLSSocket
  challengeCount = 0
  /** The client's address, once there is a client. */
  source: string | undefined
  #held = Buffer.alloc(0)
  #given = false

  constructor(
    wall: Wall,
    outer: OuterDoor,
    { certificate, echoes = Number.POSITIVE_INFINITY, ...more }: InnerPeerOptions,
  ) {
    this.socket = connect({
      host: '127.0.0.1',
      port: outer.door.innerPort,
      ca: wall.tunnel.ca,
      cert: certificate?.cert,
      key: certificate?.key,
      ALPNProtocols: [TUNNEL_PROTOCOL],
      ...more.connect,
    })
    this.socket.on('error', () => undefined)
    this.socket.on('data', (bytes: Buffer) => {
      if (this.#given) return
      this.#held = Buffer.concat([this.#held, bytes])
      while (beginsChallenge(this.#held) && this.#held.length >= MESSAGE_BYTES) {
        const echo = echoOf(this.#held.subarray(0, MESSAGE_BYTES))
        this.#held = this.#held.subarray(MESSAGE_BYTES)
        this.challengeCount += 1
        if (echo !== undefined && this.challengeCount <= echoes) this.socket.write(echo)
      }
      const header = readProxyHeader(this.#held)
      if (typeof header === 'string' || 'problem' in header) return
      this.source = header.source
      this.#given = true
    })
  }

  get isGiven(): boolean {
    return this.#given
  }

  /** Resolves when it waits at the door. */
  async parked(): Promise<this> {
    await until(() => this.challengeCount > 0, 'a challenge')
    return this
  }

  /** Resolves when the door has ended it. */
  async ended(): Promise<void> {
    await until(() => this.socket.destroyed, 'the end of the connection', 20_000)
  }
}
