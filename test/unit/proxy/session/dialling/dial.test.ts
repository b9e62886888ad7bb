/** Several URLs of one broker: tried in turn, each for a part of the deadline, and given up together when it is over. */
import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { TcpDialler, urlText } from '../../../../../proxy/session/dialling/dial.ts'
import { BrokerUnavailable, dialInTurn, GiveUp } from '../../../../../proxy/session/dialling/dialler.ts'
import type { BrokerUrl } from '../../../../../proxy/session/ports.ts'

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
  const dial = (urls: readonly BrokerUrl[], timeoutMs: number, giveUp = new GiveUp()) => {
    const nodes = urls.map((url) => new TcpDialler(url, { proxyProtocol: false }))
    return dialInTurn(nodes, { clientAddress: '203.0.113.7', timeoutMs, giveUp })
  }

  it('are tried in the order of the configuration', async () => {
    const { stream, node, gathers } = await dial([NOWHERE, good.url(), mute.url()], 5_000)
    stream.destroy()

    assert.equal(node, urlText(good.url()))
    assert.equal(mute.came, 0)
    assert.equal(gathers, true)
  })

  it('leave time for those behind one that is silent', async () => {
    const startedMs = performance.now()
    const { stream, node } = await dial([mute.url(true), good.url()], 2_000)
    stream.destroy()

    assert.equal(node, urlText(good.url()))
    assert.ok(performance.now() - startedMs >= 950, 'half of the deadline was for the first')
  })

  it('are given up together at the deadline, each with its own failure', async () => {
    const startedMs = performance.now()
    await assert.rejects(dial([NOWHERE, mute.url(true), mute.url(true)], 600), (error) => {
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

  it('may be names with several addresses, which are all tried', async () => {
    // Loopback has an address of either family; only one of them is listened at.
    const { stream } = await dial([{ ...good.url(), host: 'localhost' }], 5_000)
    stream.destroy()
  })

  it('are not tried any more for somebody who has left', async () => {
    const left = new GiveUp()
    const camePreviously = good.came
    const dialled = dial([mute.url(true), good.url()], 5_000, left)
    left.now()

    await assert.rejects(dialled, BrokerUnavailable)
    assert.equal(good.came, camePreviously)
  })
})
