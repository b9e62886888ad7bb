import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { after, afterEach, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import type { EndRequest } from '../../../../proxy/index.ts'
import { Traffic } from '../../../../src/ops/traffic.ts'
import { WebSocketClientEnd } from '../../../../src/websocket/client-end.ts'
import { WebSocketDoor } from '../../../../src/websocket/door.ts'
import { Turn } from '../../../../src/websocket/turn.ts'
import { until, within } from '../../../support/until.ts'

const MESSAGE_BYTES = 256 * 1024
const HEADERS = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
const UPGRADE = `GET / HTTP/1.1\r\nHost: x\r\n${HEADERS}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

/** What a client end reports, written down. */
class Recorder {
  readonly received: Buffer[] = []
  readonly ends: EndRequest[] = []
  aliveCount = 0
  goneWith: number | undefined

  receive(chunk: Buffer): void {
    this.received.push(Buffer.from(chunk))
  }
  alive(): void {
    this.aliveCount++
  }
  clientGone(code: number): void {
    this.goneWith = code
  }
  end(request: EndRequest): void {
    this.ends.push(request)
  }
}

describe('WebSocketClientEnd', () => {
  const traffic = new Traffic()
  const door = new WebSocketDoor(MESSAGE_BYTES)
  let server: Server
  let ends: { end: WebSocketClientEnd; recorder: Recorder }[] = []

  before(async () => {
    server = createServer()
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => {})
      const accepted = door.accept({ request, socket, head, subprotocol: { accepted: true }, headers: {} })
      assert.ok(accepted)
      const recorder = new Recorder()
      const end = new WebSocketClientEnd(accepted, socket, traffic)
      end.attach(recorder)
      ends.push({ end, recorder })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(() => {
    for (const { end } of ends) end.terminate()
    ends = []
  })
  after(() => new Promise((resolve) => server.close(resolve)))

  async function pair(): Promise<{ client: WebSocket; end: WebSocketClientEnd; recorder: Recorder }> {
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    client.on('error', () => {})
    await once(client, 'open')
    const last = ends.at(-1)
    assert.ok(last)
    return { client, ...last }
  }

  /** A client of bare bytes, after the 101. */
  async function bare(): Promise<{ socket: Socket; end: WebSocketClientEnd; recorder: Recorder }> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(UPGRADE)
    await once(socket, 'data')
    const last = ends.at(-1)
    assert.ok(last)
    return { socket, ...last }
  }

  async function closeCode(client: WebSocket): Promise<number> {
    const [code] = (await within(once(client, 'close'), 'the close')) as [number]
    return code
  }

  it('hands over binary messages and sends whole buffers, unmasked', async () => {
    const { client, end, recorder } = await pair()
    client.send(Buffer.from('AMQP'))
    await until(() => recorder.received.length === 1)
    assert.deepEqual(recorder.received[0], Buffer.from('AMQP'))

    const message = once(client, 'message')
    let sent = false
    end.send([Buffer.from('frames')], () => {
      sent = true
    })
    const [data] = (await message) as [Buffer]
    assert.equal(data.toString(), 'frames')
    await until(() => sent)
    assert.equal(end.bufferedBytes(), 0)
  })

  it('sends parts as one message', async () => {
    const { client, end } = await pair()
    const messages: Buffer[] = []
    client.on('message', (data: Buffer) => messages.push(data))
    const parts = [Buffer.alloc(70_000, 'a'), Buffer.from('b'), Buffer.alloc(300, 'c')]
    await new Promise<void>((resolve) => end.send(parts, resolve))
    end.send([Buffer.from('next')])
    await until(() => messages.length === 2)
    assert.deepEqual(messages, [Buffer.concat(parts), Buffer.from('next')])
    assert.equal(end.bufferedBytes(), 0)
  })

  it('reports text once, and goes on to hear binary', async () => {
    const { client, recorder } = await pair()
    client.send('a')
    client.send('b')
    client.send(Buffer.from('close-ok'))
    await until(() => recorder.received.length === 1)
    assert.deepEqual(
      recorder.ends.map(({ reason, closeCode: code }) => [reason, code]),
      [['text-message', 1003]],
    )
  })

  it('D4 takes 64 KiB before it is open, not more, and stops reading', async () => {
    const { client, recorder } = await pair()
    for (let n = 0; n < 64; n++) client.send(Buffer.alloc(4 * 1024))
    await until(() => recorder.ends.length === 1)
    assert.equal(recorder.ends[0]?.reason, 'message-too-large')
    const bytes = recorder.received.reduce((sum, { length }) => sum + length, 0)
    assert.ok(bytes <= 64 * 1024, `${bytes} bytes`)
  })

  it('D5 counts pings and pongs as no part of a message, however many come', async () => {
    const { socket, end, recorder } = await bare()
    end.opened()
    const ping = Buffer.from('8984000000000a0b0c0d', 'hex')
    const pong = Buffer.from('8a84000000000a0b0c0d', 'hex')
    socket.resume()
    for (let round = 0; round < 100; round++) socket.write(Buffer.concat([ping, pong]))
    await until(() => recorder.aliveCount === 200, 'all of them')
    assert.equal(end.assemblingBytes(), 0)
    assert.equal(traffic.heldBytes, 0)
  })

  it('D12 has a client that floods rest after each chunk that took long', async () => {
    const { socket, end, recorder } = await bare()
    end.opened()
    const heartbeat = Buffer.from('828800000000' + '08000000000000ce', 'hex')
    const count = 100_000
    let [inTurn, most] = [0, 0]
    const receive = recorder.receive.bind(recorder)
    recorder.receive = (chunk) => {
      receive(chunk)
      inTurn++
      const untilMs = performance.now() + 0.005
      while (performance.now() < untilMs) most = Math.max(most, inTurn)
    }
    const turns = setInterval(() => {
      inTurn = 0
    })
    end.pause()
    socket.write(Buffer.alloc(heartbeat.length * count, heartbeat))
    await until(() => socket.bytesWritten > socket.writableLength, 'the flood')
    await until(() => {
      inTurn = 0
      end.resume()
      return recorder.received.length === count
    }, 'all of the flood')
    clearInterval(turns)
    // One chunk of libuv's, and what had been read behind it.
    assert.ok(most <= (2 * 65_536) / heartbeat.length, `${most} messages in one turn`)
  })

  it('D12 has a client rest that takes long in small pieces, as TLS cuts them', () => {
    let pauseCount = 0
    const socket = Object.assign(new EventEmitter(), { pause: () => pauseCount++, resume: () => {} })
    const stream = new EventEmitter()
    stream.on('data', () => {
      const untilMs = performance.now() + 0.3
      while (performance.now() < untilMs);
    })
    const end = new WebSocketClientEnd(socket as unknown as WebSocket, stream as Duplex, traffic)
    end.opened()
    for (let piece = 0; piece < 20; piece++) stream.emit('data', Buffer.alloc(100))
    assert.ok(pauseCount > 0)
    socket.emit('close', 1006)
  })

  it('D5 counts pings between the fragments of a message, which keep what they came in', async () => {
    const { socket, end, recorder } = await bare()
    end.opened()
    socket.resume()
    const crumb = Buffer.from('02810000000061', 'hex')
    const more = Buffer.from('00810000000061', 'hex')
    const pings = Buffer.alloc(131 * 400, Buffer.concat([Buffer.from('89fd00000000', 'hex'), Buffer.alloc(125)]))
    let sentBytes = 0
    for (let fragment = 0; fragment < 40; fragment++) {
      const chunk = Buffer.concat([fragment === 0 ? crumb : more, pings])
      sentBytes += chunk.length
      socket.write(chunk)
    }
    await until(() => recorder.aliveCount === 40 * 400, 'all pings')
    // All but what came before there was more of the message than one ping could be.
    assert.ok(end.assemblingBytes() > sentBytes / 3, `${end.assemblingBytes()} of ${sentBytes}`)
    assert.equal(traffic.heldBytes, end.assemblingBytes())
    socket.destroy()
    await until(() => recorder.goneWith !== undefined)
    assert.equal(traffic.heldBytes, 0)
  })

  it('C34 D6 counts bytes of a message that is not complete, and of empty fragments', async () => {
    const { socket, recorder } = await bare()
    const fragment = Buffer.from('028000000000', 'hex')
    const next = Buffer.from('008000000000', 'hex')
    socket.write(fragment)
    for (let n = 0; n < 200; n++) socket.write(Buffer.concat(Array.from({ length: 100 }, () => next)))
    await until(() => recorder.ends.length > 0 || recorder.goneWith !== undefined)
    assert.deepEqual(recorder.received, [])
    socket.destroy()
  })

  /** One message, or the beginning of one without an end, in fragments of so many bytes. */
  function fragments(count: number, bytes: number, isWhole: boolean): Buffer {
    const head = Buffer.from([0, 0x80 | 126, bytes >> 8, bytes & 0xff, 0, 0, 0, 0])
    return Buffer.concat(
      Array.from({ length: count }, (_, at) => {
        const own = Buffer.from(head)
        own[0] = (at === 0 ? 0x02 : 0) | (isWhole && at === count - 1 ? 0x80 : 0)
        return Buffer.concat([own, Buffer.alloc(bytes, at)])
      }),
    )
  }

  it('D6 takes a message of full size in fragments of 4 KiB, and of 2 KiB', async () => {
    for (const bytes of [4096, 2048]) {
      const { socket, end, recorder } = await bare()
      end.opened()
      const count = (MESSAGE_BYTES + 1024 * 1024) / bytes
      socket.write(fragments(count, bytes, true))
      await until(() => recorder.received.length === 1, 'the message')
      assert.equal(recorder.received[0]?.length, count * bytes)
      assert.deepEqual(recorder.ends, [])
      socket.destroy()
    }
  })

  it('D6 takes no endless message of tiny fragments, and says what was too many', async () => {
    for (const bytes of [0, 1]) {
      const { socket, end, recorder } = await bare()
      end.opened()
      socket.write(fragments(10_000, bytes, false))
      await until(() => recorder.goneWith !== undefined || recorder.ends.length > 0, 'the end')
      assert.match(recorder.ends[0]?.explanation ?? '', /too many fragments in one WebSocket message/)
      assert.equal(recorder.ends[0]?.closeCode, 1008)
      assert.deepEqual(recorder.received, [])
      socket.destroy()
    }
  })

  it('D8 takes messages up to its size after it is open, and answers larger ones with 1009', async () => {
    const { client, end, recorder } = await pair()
    end.opened()
    client.send(Buffer.alloc(MESSAGE_BYTES + 1024 * 1024))
    await until(() => recorder.received.length === 1)
    client.send(Buffer.alloc(MESSAGE_BYTES + 1024 * 1024 + 1))
    assert.equal(await closeCode(client), 1009)
    await until(() => recorder.goneWith !== undefined)
    assert.equal(recorder.ends[0]?.reason, 'message-too-large')
    assert.equal(recorder.goneWith, 1009)
  })

  for (const [what, hex] of [
    ['an unmasked frame', '820161'],
    ['a reserved bit', 'c2800000000061'],
    ['an unknown opcode', '8380000000'],
    ['a continuation of nothing', '80800000000061'],
    ['a fragmented ping', '0980000000'],
  ] as const) {
    it(`reports ${what} as the client's fault`, async () => {
      const { socket, recorder } = await bare()
      socket.write(Buffer.from(`${hex}00000000`, 'hex'))
      await until(() => recorder.goneWith !== undefined)
      assert.equal(recorder.goneWith, 1002)
      assert.deepEqual(recorder.received, [])
      socket.destroy()
    })
  }

  it('D5 answers the newest ping only, one pong at a time, and takes pings and pongs for life', async () => {
    const { socket, end, recorder } = await bare()
    socket.pause()
    const ping = Buffer.from('89fd00000000', 'hex')
    const pings = Buffer.concat(Array.from({ length: 500 }, () => Buffer.concat([ping, Buffer.alloc(125)])))
    for (let n = 0; n < 40; n++) {
      if (!socket.write(pings)) await once(socket, 'drain')
      end.opened()
    }
    await until(() => recorder.aliveCount >= 20_000, 'all pings')
    assert.ok(end.bufferedBytes() < 256, `${end.bufferedBytes()} bytes wait`)
    socket.destroy()

    const { client, end: other, recorder: heard } = await pair()
    other.ping()
    await until(() => heard.aliveCount === 1)
    client.ping('x')
    const [data] = (await once(client, 'pong')) as [Buffer]
    assert.equal(data.toString(), 'x')
  })

  it('closes with code and reason, cut to what a close frame takes', async () => {
    const { client, end, recorder } = await pair()
    const closed = once(client, 'close')
    end.close(4401, `${'ä'.repeat(100)}`)
    const [code, reason] = (await closed) as [number, Buffer]
    assert.equal(code, 4401)
    assert.equal(reason.toString(), 'ä'.repeat(61))
    await until(() => recorder.goneWith !== undefined)
  })

  it('closes also while it is paused', async () => {
    const { client, end, recorder } = await pair()
    end.pause()
    client.send(Buffer.alloc(1000))
    end.close(1000, '')
    assert.equal(await closeCode(client), 1000)
    await until(() => recorder.goneWith !== undefined)
    assert.deepEqual(recorder.received, [])
  })

  it('drops what is sent after the close, and still calls back', async () => {
    const { client, end } = await pair()
    end.close(1000, '')
    await new Promise<void>((resolve) => end.send([Buffer.alloc(100_000)], resolve))
    assert.ok(end.bufferedBytes() < 1000)
    client.terminate()
  })

  it('reads nothing while it is paused', async () => {
    const { client, end, recorder } = await pair()
    end.opened()
    end.pause()
    client.send(Buffer.from('later'))
    client.ping()
    await until(() => client.bufferedAmount === 0)
    assert.deepEqual(recorder.received, [])
    end.resume()
    await until(() => recorder.received.length === 1)
  })

  it('gives back what it held when it goes', async () => {
    const { socket, end } = await bare()
    end.opened()
    const before = traffic.heldBytes
    socket.write(Buffer.concat([Buffer.from('82ff000000000001000000000000', 'hex'), Buffer.alloc(50_000)]))
    await until(() => end.assemblingBytes() >= 50_000)
    assert.ok(traffic.heldBytes >= before + 50_000)
    socket.destroy()
    await until(() => end.assemblingBytes() === 0)
    assert.ok(traffic.heldBytes <= before)
  })

  it('has the leaving of one client wait where others have used up the turn, and reports it all the same', async (t) => {
    const [first, second] = [await bare(), await bare()]
    let restCount = 0
    t.mock.method(Turn.current, 'isOver', () => true)
    t.mock.method(Turn.current, 'rest', function rest(this: Turn, goOn: () => void) {
      restCount++
      setImmediate(goOn)
    })
    first.socket.destroy()
    second.socket.destroy()
    await until(() => first.recorder.goneWith !== undefined && second.recorder.goneWith !== undefined)
    assert.equal(restCount, 2)
  })
})
