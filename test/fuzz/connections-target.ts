/**
 * Connections that stop anywhere, over TCP and TLS: handshakes cut and spoilt, heads, bodies, a thousand requests in one go,
 * upgrades behind them, other protocols; by peers that read or do not, that go, reset or stay. Whatever they do, few of
 * their requests wait at once, answers are in order, and their sockets are gone at the deadlines.
 */
import { strict as assert } from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { checkUpgradeHead } from '../../src/http/head.ts'
import { answerRaw } from '../../src/http/raw-answer.ts'
import { HttpServer } from '../../src/http/server/http-server.ts'
import type { ListenerTls } from '../../src/http/server/tls.ts'
import { type Certificates, createCertificates } from '../support/certificates.ts'
import { Random } from '../support/random.ts'
import { until } from '../support/until.ts'
import { spoilt } from './spoilt.ts'

const AT_ONCE = 60
const MOST_UNANSWERED = 16
const DEADLINES = { handshake: 300, head: 300, request: 500, idle: 300, unread: 500 }
/** All of them one after the other, Node's round of a second, its grace for the idle, two seconds for the last answer; and a slow machine. */
const GONE_MS = 20_000
const GROWTH_BYTES = 32 * 1024 * 1024

const KEY = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
const PIECES = [
  'GET /nope HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /large HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /late HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.0\r\n\r\n',
  'POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello',
  'POST /nope HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n',
  `GET /nope HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(15_000)}\r\n\r\n`,
  'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
  `GET /amqp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${KEY}\r\n`,
  `GET /amqp HTTP/1.1\r\nHost: x\r\nConnection: , upgrade\r\nUpgrade: websocket,\r\nContent-Length: 0\r\n${KEY}\r\n`,
  'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n',
  'PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n',
  'AMQP\0\0\x09\x01',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
]

/** What became of them, as the servers say. */
export interface Outcomes {
  requests: number
  upgrades: number
  refused: number
  dropped: number
}

/** Opens so many connections, in turns of sixty. @throws when one of them is not dealt with as it must be */
export async function fuzzConnections(random: Random, count: number): Promise<Outcomes> {
  const certificates = await createCertificates()
  const scene = await Scene.start(certificates)
  try {
    let settledBytes = 0
    for (let done = 0; done < count; done += AT_ONCE) {
      const many = Math.min(AT_ONCE, count - done)
      await Promise.all(Array.from({ length: many }, () => scene.attack(new Random(random.below(0x1_0000_0000)))))
      await until(() => scene.socketCount === 0, `the end of all sockets (${many} were opened)`, GONE_MS)
      if (done === 0) settledBytes = heapBytes()
    }
    const grownBytes = heapBytes() - settledBytes
    assert.ok(grownBytes < GROWTH_BYTES, `the heap grew by ${grownBytes} bytes`)
    assert.deepEqual(scene.faults, [])
    return scene.outcomes
  } finally {
    await scene.stop()
    await certificates.remove()
  }
}

/** A plain and a TLS server of the kind that listeners are, and what went wrong there. */
class Scene {
  readonly faults: string[] = []
  readonly outcomes: Outcomes = { requests: 0, upgrades: 0, refused: 0, dropped: 0 }
  readonly #plain: HttpServer
  readonly #secure: HttpServer
  readonly #ca: string
  readonly #hello: Buffer
  readonly #waiting = new WeakMap<Socket, number>()

  private constructor({ server, authority }: Certificates, hello: Buffer) {
    const tls: ListenerTls = { cert: server.certFile, key: server.keyFile, minVersion: 'TLSv1.2' }
    this.#plain = this.#server()
    this.#secure = this.#server(tls)
    this.#ca = authority.ca
    this.#hello = hello
  }

  static async start(certificates: Certificates): Promise<Scene> {
    const scene = new Scene(certificates, await clientHello())
    await scene.#plain.start('listen')
    await scene.#secure.start('listen')
    return scene
  }

  async stop(): Promise<void> {
    for (const server of [this.#plain, this.#secure]) {
      const stopped = server.stop()
      server.cut()
      await stopped
    }
  }

  get socketCount(): number {
    return this.#plain.socketCount + this.#secure.socketCount
  }

  /** One connection, until its peer has done what it wants; what it leaves behind is the server's business. */
  async attack(random: Random): Promise<void> {
    const way = random.below(3)
    const options = { host: '127.0.0.1', port: way === 0 ? this.#plain.port : this.#secure.port, allowHalfOpen: true }
    const socket = way === 2 ? connectTls({ ...options, ca: this.#ca, servername: 'localhost' }) : connect(options)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => undefined)
    if (random.chance(2)) socket.resume()
    for (const part of way === 1 ? this.#handshake(random) : script(random)) {
      if (socket.destroyed) break
      socket.write(part)
      if (random.chance(3)) await new Promise((resolve) => setTimeout(resolve, random.below(40)))
    }
    switch (random.below(4)) {
      case 0:
        socket.end()
        break
      case 1:
        socket.destroy()
        break
      case 2:
        if (way !== 2) socket.resetAndDestroy()
        break
      default:
    }
    // Only when the server has let go of it: a peer that stays does not help.
    await until(() => this.socketCount === 0 || socket.destroyed, 'the end of a socket', GONE_MS)
    socket.destroy()
    await closed
  }

  /** A ClientHello, cut or spoilt, whole or byte by byte. */
  #handshake(random: Random): Buffer[] {
    const hello = random.chance(2) ? this.#hello : spoilt(this.#hello, random)
    const cut = hello.subarray(0, random.below(hello.length + 1))
    return random.chance(3) ? Array.from(cut, (byte) => Buffer.of(byte)) : [cut]
  }

  #server(tls?: ListenerTls): HttpServer {
    return new HttpServer(
      { host: '127.0.0.1', port: 0, tls, deadlines: DEADLINES },
      {
        request: (request, response) => this.#answer(request, response),
        upgrade: (request, socket) => {
          if (this.#waiting.get(socket as Socket)) this.faults.push('an upgrade before earlier requests were answered')
          this.outcomes.upgrades++
          const problem = checkUpgradeHead(request)
          answerRaw(socket, { status: problem?.status ?? 401, text: problem?.detail ?? 'not authenticated' })
        },
        refused: () => this.outcomes.refused++,
        dropped: () => this.outcomes.dropped++,
      },
    )
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    this.outcomes.requests++
    const waiting = (this.#waiting.get(socket) ?? 0) + 1
    this.#waiting.set(socket, waiting)
    if (waiting > MOST_UNANSWERED) this.faults.push(`${waiting} requests wait on one connection`)
    response.once('close', () => this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1))
    const body = request.url === '/large' ? Buffer.alloc(256 * 1024) : 'not found'
    setTimeout(() => response.destroyed || response.end(body), request.url === '/late' ? 50 : 0)
  }
}

/** What a peer sends: some pieces, one of them perhaps a thousand times, perhaps spoilt, and cut anywhere. */
function script(random: Random): Buffer[] {
  const pieces = Array.from({ length: 1 + random.below(4) }, () => {
    const piece = Buffer.from(random.pick(PIECES), 'latin1')
    const many = random.chance(4) ? 1 + random.below(Math.ceil(200_000 / piece.length)) : 1
    const bytes = Buffer.concat(Array.from({ length: many }, () => piece))
    return random.chance(3) ? spoilt(bytes, random) : bytes
  })
  const last = pieces.at(-1)
  return last !== undefined && random.chance(2)
    ? [...pieces.slice(0, -1), last.subarray(0, random.below(last.length + 1))]
    : pieces
}

/** As Node's own client sends it. */
async function clientHello(): Promise<Buffer> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = connectTls({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    servername: 'localhost',
  })
  client.on('error', () => undefined)
  const [socket] = (await once(server, 'connection')) as [Socket]
  socket.on('error', () => undefined)
  const [hello] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  socket.destroy()
  server.close()
  return hello
}

function heapBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
