/** Several URLs of one broker: tried in turn, each for a part of the deadline, and given up together when it is over. */
import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { BrokerUnavailable, dial, GiveUp } from '../../../../../proxy/session/dialling/dial.ts'

/** Listens, and counts who came. */
class Listener {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  came = 0

  constructor() {
    this.#server = createServer((socket) => {
      this.came++
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  url(tls = false) {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port, tls }
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

const NOWHERE = { host: '127.0.0.1', port: 1, tls: false }

describe('several URLs of a broker', () => {
  let good: Listener
  /** Takes connections and never answers a TLS handshake. */
  let mute: Listener
  before(async () => {
    good = await new Listener().start()
    mute = await new Listener().start()
  })
  after(() => {
    good.stop()
    mute.stop()
  })
  const target = (...urls: { host: string; port: number; tls: boolean }[]) => ({ urls, proxyProtocol: false })

  it('are tried in the order of the configuration', async () => {
    const { socket, url } = await dial(target(NOWHERE, good.url(), mute.url()), '203.0.113.7', 5_000)
    socket.destroy()

    assert.deepEqual(url, good.url())
    assert.equal(mute.came, 0)
  })

  it('leave time for those behind one that is silent', async () => {
    const startedMs = performance.now()
    const { socket, url } = await dial(target(mute.url(true), good.url()), '203.0.113.7', 2_000)
    socket.destroy()

    assert.deepEqual(url, good.url())
    assert.ok(performance.now() - startedMs >= 950, 'half of the deadline was for the first')
  })

  it('are given up together at the deadline, each with its own failure', async () => {
    const startedMs = performance.now()
    await assert.rejects(dial(target(NOWHERE, mute.url(true), mute.url(true)), '203.0.113.7', 600), (error) => {
      assert.ok(error instanceof BrokerUnavailable)
      assert.match(
        error.message,
        /^amqp:\/\/127\.0\.0\.1:1: .*ECONNREFUSED.*; amqps:.*: no answer within \d+ ms; amqps:/,
      )
      assert.equal(error.failure, 'unreachable')
      return true
    })
    assert.ok(performance.now() - startedMs >= 590)
  })

  it('are not tried any more for somebody who has left', async () => {
    const left = new GiveUp()
    const camePreviously = good.came
    const dialled = dial(target(mute.url(true), good.url()), '203.0.113.7', 5_000, left)
    left.now()

    await assert.rejects(dialled, BrokerUnavailable)
    assert.equal(good.came, camePreviously)
  })
})
