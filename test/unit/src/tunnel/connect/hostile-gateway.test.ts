/** `gatehouse connect` in front of something that is no good gateway: each client reads AMQP's farewell, and nothing grows. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket, connect as tcp } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { PROTOCOL_HEADER } from '../../../../../proxy/codec/frame.ts'
import { FrameReader } from '../../../../../proxy/codec/frame-reader.ts'
import {
  decodeMethod,
  METHOD_IDS_BYTES,
  METHOD_NAMES,
  methodFrame,
  methodIndexAt,
} from '../../../../../proxy/codec/method.ts'
import { type ConnectPort, startConnectPort } from '../../../../support/connect-port.ts'
import { until } from '../../../../support/until.ts'

const TIMES = { awayMs: 600, openingMs: 900 }

/** A server that does this with each connection. */
async function server(t: TestContext, serve: (socket: Socket) => void): Promise<string> {
  const open = new Set<Socket>()
  const made = createServer((socket) => {
    open.add(socket.on('error', () => undefined))
    serve(socket)
  })
  made.listen(0, '127.0.0.1')
  await once(made, 'listening')
  t.after(() => {
    for (const socket of open) socket.destroy()
    made.close()
  })
  return `ws://127.0.0.1:${(made.address() as AddressInfo).port}/amqp`
}

/** One that opens the WebSocket, and does this then. */
const upgraded = async (t: TestContext, serve: (socket: Socket) => void) =>
  await server(t, (socket) => {
    socket.once('data', (head) => {
      const [, key = ''] = /sec-websocket-key: (\S+)/i.exec(head.toString()) ?? []
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      socket.write(
        `HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: amqp\r\n\r\n`,
      )
      serve(socket)
    })
  })

/** A short frame of a server's. [RFC 6455 §5.2] */
const frame = (opcode: number, payload: Buffer) =>
  Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload])
const [TEXT, BINARY, CLOSE, PING] = [1, 2, 8, 9]

async function connectPort(t: TestContext, url: string): Promise<ConnectPort> {
  const port = await startConnectPort(url, TIMES)
  t.after(async () => {
    port.connect.cut()
    await port.stop()
  })
  return port
}

/** What a client reads that answers `start` and `close` as clients do: the text of `connection.close`. */
async function farewell(t: TestContext, port: ConnectPort): Promise<string | undefined> {
  const socket = tcp(port.connect.port ?? 0, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => undefined)
  socket.write(PROTOCOL_HEADER)
  const reader = new FrameReader(131_072)
  let text: string | undefined
  socket.on('data', (chunk) => {
    reader.push(chunk)
    while (reader.next()) {
      const { buffer, payloadStart, payloadEnd } = reader
      const name = METHOD_NAMES[methodIndexAt(buffer, payloadStart, payloadEnd)]
      if (name === 'connection.start')
        socket.write(
          methodFrame(0, 'connection.start-ok', {
            clientProperties: [],
            mechanism: 'PLAIN',
            response: Buffer.from('\0any\0thing'),
            locale: 'en_US',
          }),
        )
      if (name !== 'connection.close') continue
      const { replyCode, replyText } = decodeMethod(name, buffer, payloadStart + METHOD_IDS_BYTES, payloadEnd)
      text = `${replyCode} ${replyText}`
      socket.write(methodFrame(0, 'connection.close-ok', {}))
    }
  })
  await until(() => socket.destroyed, 'the end of the client', 20_000)
  return text
}

describe('connect in front of a gateway that is none', { concurrency: true }, () => {
  const ends: readonly (readonly [what: string, expected: RegExp, make: (t: TestContext) => Promise<string>])[] = [
    ['never answers', /^320 .*does not answer in time$/, (t) => server(t, () => undefined)],
    ['answers byte by byte', /^320 .*does not answer in time$/, (t) => server(t, trickle('HTTP/1.1 101 Yes\r\nX: '))],
    [
      'refuses with a text without end',
      /^320 .*does not answer in time$/,
      (t) => server(t, trickle('HTTP/1.1 403 No\r\nContent-Type: text/plain\r\n\r\n')),
    ],
    ['is silent behind the 101', /^320 .*was not opened in time$/, (t) => upgraded(t, () => undefined)],
    [
      'sends text',
      /^320 .*the gateway closed the connection \(1003\)$/,
      (t) => upgraded(t, (s) => void s.write(frame(TEXT, Buffer.from('x')))),
    ],
    [
      'speaks something else',
      /^541 .*does not speak AMQP 0-9-1$/,
      (t) => upgraded(t, (s) => void s.write(frame(BINARY, Buffer.from('HTTP/1.1 400')))),
    ],
    [
      'closes with a code',
      /^320 .*the gateway closed the connection \(4403\)$/,
      (t) => upgraded(t, (s) => void s.write(frame(CLOSE, Buffer.from('1133', 'hex')))),
    ],
    [
      'announces a message of 2 GiB',
      /^320 .*the connection to the gateway is lost$/,
      (t) => upgraded(t, (s) => void s.write(Buffer.from('827f0000000080000000', 'hex'))),
    ],
    [
      'wants hours of patience',
      /^320 .*the gateway refuses: HTTP status 503$/,
      (t) =>
        server(t, (s) =>
          s.once('data', () => s.end('HTTP/1.1 503 No\r\nRetry-After: 9999\r\nContent-Length: 0\r\n\r\n')),
        ),
    ],
    [
      'sends it elsewhere',
      /^403 .*the gateway refuses: HTTP status 302$/,
      (t) =>
        server(t, (s) =>
          s.once('data', () => s.end('HTTP/1.1 302 No\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n')),
        ),
    ],
  ]
  for (const [what, expected, make] of ends)
    it(`G108 lets a client read why where it ${what}`, async (t) => {
      const port = await connectPort(t, await make(t))
      assert.match((await farewell(t, port)) ?? 'nothing', expected)
      await until(() => port.connect.health.clients === 0, 'no client is left', 20_000)
      assert.notEqual(port.connect.health.problem, undefined)
    })

  it('G108 leaves a gateway that pings without reading the answers', async (t) => {
    let sentBytes = 0
    let mostBytes = 0
    const url = await upgraded(t, (socket) => {
      socket.pause()
      const pings = Buffer.concat(Array.from({ length: 2_000 }, () => frame(PING, Buffer.alloc(125))))
      const flood = () => {
        if (socket.destroyed || sentBytes > 64 * 1024 * 1024) return
        sentBytes += pings.length
        mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers)
        socket.write(pings, () => setImmediate(flood))
      }
      flood()
    })
    const port = await connectPort(t, url)
    const beforeBytes = process.memoryUsage().arrayBuffers
    await farewell(t, port)
    const grownBytes = mostBytes - beforeBytes
    t.diagnostic(`${grownBytes} bytes more after ${sentBytes} bytes of pings`)
    assert.ok(grownBytes < 16 * 1024 * 1024, `${grownBytes} bytes more after ${sentBytes} bytes of pings`)
  })
})

function trickle(beginning: string): (socket: Socket) => void {
  return (socket) => {
    socket.once('data', () => {
      socket.write(beginning)
      const timer = setInterval(() => socket.write('x'), 50)
      socket.once('close', () => clearInterval(timer))
    })
  }
}
