import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, it, mock } from 'node:test'
import { FRAME_BODY, frame, HEARTBEAT_FRAME, PROTOCOL_HEADER } from '../../../../../proxy/codec/frame.ts'
import { TcpDialler } from '../../../../../proxy/session/dialling/dial.ts'
import type { Dialler } from '../../../../../proxy/session/dialling/dialler.ts'
import { BrokerLeg } from '../../../../../proxy/session/legs/broker-leg.ts'
import { until, within } from '../../../../support/until.ts'

const EVENTS = { readable: () => {}, lost: () => {}, drained: () => {}, gone: () => {}, busy: () => {} }

function tcp(port: number): TcpDialler {
  return new TcpDialler({ host: '127.0.0.1', port, tls: false }, { proxyProtocol: false })
}

/** A node's stream, and what was written to it. */
class SilentNode {
  written = Buffer.alloc(0)
  readonly near = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      this.written = Buffer.concat([this.written, chunk])
      done()
    },
  })
}

describe('BrokerLeg', () => {
  it('keeps no large message for the small part of it that a broker does not read', async () => {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const connected = once(server, 'connection')
    const leg = new BrokerLeg({ highBytes: 262_144, lowBytes: 131_072 }, EVENTS)
    const { port } = server.address() as AddressInfo
    leg.start(tcp(port), '203.0.113.7', 10_000)
    const [broker] = (await connected) as [Socket]
    await until(() => leg.url !== '', 'the connection')
    // More than the operating system takes.
    leg.send(Buffer.alloc(32 * 1024 * 1024))
    assert.ok(leg.bufferedBytes > 0)

    const write = mock.method(Socket.prototype, 'write')
    const message = Buffer.alloc(1024 * 1024, 'm')
    leg.out.take(message, 0, 24)
    leg.out.take(message, 1000, 1024 * 1024)
    leg.flush()
    const [small, large] = write.mock.calls.map(({ arguments: [chunk] }) => chunk as unknown as Buffer)
    write.mock.restore()

    assert.deepEqual(small, message.subarray(0, 24))
    assert.notEqual(small?.buffer, message.buffer)
    assert.equal(large?.buffer, message.buffer, 'what is most of it is not copied')
    leg.destroy()
    broker.destroy()
    server.close()
  })

  it('leaves a node that does not greet in time for another one, and one that has greeted never', async () => {
    const nodes = [new SilentNode(), new SilentNode()] as const
    const asked: (readonly string[])[] = []
    const lost: string[] = []
    const dialler: Dialler = {
      hosts: [],
      dial: async ({ silent = [] }) => {
        asked.push([...silent])
        const at = silent.length === 0 ? 0 : 1
        return { stream: nodes[at].near, node: `node ${at}`, gathers: false, greetWithinMs: 0 }
      },
    }
    const leg = new BrokerLeg(
      { highBytes: 262_144, lowBytes: 131_072 },
      { ...EVENTS, lost: (detail) => void lost.push(detail) },
    )
    leg.start(dialler, '203.0.113.7', 10_000)
    await until(() => leg.url === 'node 0', 'the first node')
    leg.tick(0, 1_000)
    await until(() => leg.url === 'node 1', 'the second node')
    assert.deepEqual(asked, [[], ['node 0']])
    assert.ok(nodes[0].near.destroyed)
    assert.equal(nodes[1].written.toString('latin1'), Buffer.from(PROTOCOL_HEADER).toString('latin1'))

    nodes[1].near.push(HEARTBEAT_FRAME)
    await until(() => leg.reader.next(), 'the frame')
    leg.tick(1_000, 2_000)
    assert.equal(asked.length, 2)
    assert.deepEqual(lost, [])
    leg.destroy()
  })

  it('loses nothing of what a broker sends densely and ends with, and reports the end behind it', async (t) => {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const connected = once(server, 'connection')
    const seen: number[] = []
    let lostAfter: number | undefined
    let over = (): void => {}
    const leg = new BrokerLeg(
      { highBytes: 262_144, lowBytes: 131_072 },
      {
        ...EVENTS,
        readable: () => {
          while (leg.reader.next()) seen.push(leg.reader.payload().readUInt32BE())
        },
        lost: () => {
          lostAfter = seen.length
          over()
        },
      },
    )
    const { port } = server.address() as AddressInfo
    leg.start(tcp(port), '203.0.113.7', 10_000)
    const [broker] = (await connected) as [Socket]
    await until(() => leg.url !== '', 'the connection')
    const ended = new Promise<void>((resolve) => {
      over = resolve
    })
    // A clock in which any chunks come densely.
    let nowMs = performance.now()
    t.mock.method(performance, 'now', () => (nowMs += 0.1))
    const pause = t.mock.method(Socket.prototype, 'pause')
    const frames = 2000
    for (let number = 0; number < frames; number++) {
      const payload = Buffer.alloc(400)
      payload.writeUInt32BE(number)
      broker.write(frame(FRAME_BODY, 1, payload))
      if (number % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    broker.end()
    // Not `until`, whose deadline is by the clock that was put in.
    await within(ended, 'the end')
    const rests = pause.mock.callCount()

    assert.deepEqual(
      seen,
      Array.from({ length: frames }, (_, number) => number),
    )
    assert.equal(lostAfter, frames)
    assert.ok(rests > 0, 'the socket was left alone at least once')
    leg.destroy()
    broker.destroy()
    server.close()
  })

  it('is read again at once when something is written to it', async (t) => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const connected = once(server, 'connection')
    const leg = new BrokerLeg(
      { highBytes: 262_144, lowBytes: 131_072 },
      {
        ...EVENTS,
        readable: () => {
          while (leg.reader.next());
        },
      },
    )
    const { port } = server.address() as AddressInfo
    leg.start(tcp(port), '203.0.113.7', 10_000)
    const [broker] = (await connected) as [Socket]
    t.after(() => {
      leg.destroy()
      broker.destroy()
      server.close()
    })
    await until(() => leg.url !== '', 'the connection')
    // A clock in which any chunks come densely.
    let nowMs = performance.now()
    t.mock.method(performance, 'now', () => (nowMs += 0.1))
    const resume = t.mock.method(Socket.prototype, 'resume')
    let resumed: number | undefined
    t.mock.method(Socket.prototype, 'pause', function pause(this: Socket) {
      queueMicrotask(() => {
        const before = resume.mock.callCount()
        leg.send(HEARTBEAT_FRAME)
        resumed ??= resume.mock.callCount() - before
      })
      return this
    })
    for (let sent = 0; resumed === undefined && sent < 100_000; sent++) {
      broker.write(frame(FRAME_BODY, 1, Buffer.alloc(400)))
      await new Promise((resolve) => setImmediate(resolve))
    }

    assert.equal(resumed, 1)
  })
})
