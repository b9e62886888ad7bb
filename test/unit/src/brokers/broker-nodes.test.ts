/** The nodes of a broker, with a clock and diallers of the test's own. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { BrokerUnavailable, type Dialler, GiveUp, type SessionEnd } from '../../../../proxy/index.ts'
import type { NodeChange } from '../../../../src/brokers/broker-node.ts'
import { BrokerNodes, type NodesSettings } from '../../../../src/brokers/broker-nodes.ts'

const url = (host: string) => ({ host, port: 5672, tls: false })
const A = 'amqp://a:5672'
const B = 'amqp://b:5672'

/** Two nodes, which are there unless they are in `gone`. */
class Scene {
  readonly gone = new Set<string>()
  readonly changes: NodeChange[] = []
  readonly dialled: string[] = []
  readonly probed: string[] = []
  readonly streams: { readonly node: string; readonly stream: PassThrough }[] = []
  readonly nodes: BrokerNodes
  readonly settings: NodesSettings
  nowMs = 1_000_000
  random = 0.5

  constructor(choose: NodesSettings['choose'] = 'inOrder') {
    const target = { urls: [url('a'), url('b')], proxyProtocol: false }
    this.settings = { target, choose, probe: { every: 5_000, timeout: 2_000 } }
    this.nodes = new BrokerNodes(this.settings, {
      observe: (change) => this.changes.push(change),
      probe: async ({ hosts: [host] }) => {
        this.probed.push(`amqp://${host}:5672`)
        this.#answer(`amqp://${host}:5672`)
      },
      dialler: ({ host }) => this.#dialler(host),
      nowMs: () => this.nowMs,
      random: () => this.random,
    })
  }

  async dial(): Promise<string> {
    const { node } = await this.nodes.dial({ clientAddress: '203.0.113.7', timeoutMs: 10_000, giveUp: new GiveUp() })
    return node
  }

  /** The ticker's turn, and what follows from it. */
  async tick(ms: number): Promise<void> {
    this.nowMs += ms
    this.nodes.tick()
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** All connections of a node end by its doing. */
  async kill(name: string): Promise<void> {
    this.gone.add(name)
    for (const { node, stream } of this.streams) if (node === name) stream.destroy(new Error('reset'))
    await new Promise((resolve) => setImmediate(resolve))
  }

  #dialler(host: string): Dialler {
    const node = `amqp://${host}:5672`
    const dial = async () => {
      this.dialled.push(node)
      this.#answer(node)
      const stream = new PassThrough().on('error', () => undefined)
      this.streams.push({ node, stream })
      return { stream, node, gathers: false }
    }
    return { hosts: [host], dial }
  }

  #answer(node: string): void {
    if (this.gone.has(node)) throw new BrokerUnavailable(`${node}: ECONNREFUSED`, 'unreachable')
  }
}

const END: SessionEnd = {
  by: 'broker',
  reason: 'broker-lost',
  detail: '',
  closeCode: 1012,
  durationMs: 1,
  bytesFromClient: 0,
  bytesToClient: 0,
}

describe('the nodes of a broker', () => {
  it('leave out one that refuses until a probe succeeds, and report each change once', async () => {
    const scene = new Scene()
    scene.gone.add(A)
    assert.deepEqual([await scene.dial(), await scene.dial(), await scene.dial()], [B, B, B])
    assert.equal(scene.dialled.filter((node) => node === A).length, 1)
    await scene.tick(4_999)
    assert.deepEqual(scene.probed, [])
    await scene.tick(1)
    assert.deepEqual(scene.probed, [A])
    scene.gone.clear()
    await scene.tick(5_000)
    assert.deepEqual(
      scene.changes.map(({ node, isUp, count }) => [node, isUp, count]),
      [
        [A, false, 0],
        [A, true, 0],
      ],
    )
  })

  it('leave out one that a session found silent, for that session at once, and ask whether it is there', async () => {
    const scene = new Scene()
    const request = { clientAddress: '203.0.113.7', timeoutMs: 10_000, giveUp: new GiveUp() }
    const first = await scene.nodes.dial(request)
    assert.deepEqual([first.node, first.greetWithinMs], [A, 2_000])
    const second = await scene.nodes.dial({ ...request, silent: [A] })
    assert.deepEqual([second.node, second.greetWithinMs], [B, undefined], 'the last one may take all the time')
    assert.deepEqual(scene.probed, [A])
    assert.equal(await scene.dial(), A, 'the probe got an answer')
    await assert.rejects(scene.nodes.dial({ ...request, silent: [A, B] }), /no time left/)
  })

  it('get one that is back its share of sessions step by step', async () => {
    const scene = new Scene()
    scene.gone.add(A)
    await scene.dial()
    scene.gone.clear()
    await scene.tick(5_000)
    assert.equal(await scene.dial(), B)
    scene.random = 0.05
    assert.equal(await scene.dial(), A, 'a tenth at once')
    scene.random = 0.999
    scene.nowMs += 29_000
    assert.equal(await scene.dial(), A, 'all of them after half a minute')
  })

  it('that are all away are asked once for all sessions; the first one back reports how many were refused', async () => {
    const scene = new Scene()
    scene.gone.add(A).add(B)
    await assert.rejects(scene.dial(), /a:5672: ECONNREFUSED; amqp:\/\/b:5672: ECONNREFUSED/)
    const many = await Promise.allSettled(Array.from({ length: 50 }, () => scene.dial()))
    assert.ok(many.every(({ status }) => status === 'rejected'))
    assert.deepEqual([scene.dialled.length, scene.probed.length], [2, 0], 'the news is fresh')
    assert.deepEqual([scene.nodes.isUp, await scene.nodes.problem()], [false, 'unreachable'])
    scene.nowMs += 1_000
    scene.gone.clear()
    const back = await Promise.all(Array.from({ length: 50 }, () => scene.dial()))
    assert.ok(back.every((node) => node === A || node === B))
    assert.deepEqual(scene.probed, [A, B])
    assert.deepEqual(
      scene.changes.map(({ node, isUp, count }) => [node, isUp, count]),
      [
        [A, false, 0],
        [B, false, 0],
        [A, true, 51],
        [B, true, 0],
      ],
    )
    assert.equal(await scene.nodes.problem(), undefined)
  })

  it('are given sessions by count where the configuration says so, and in any order', async () => {
    const least = new Scene('leastSessions')
    assert.deepEqual([await least.dial(), await least.dial()].sort(), [A, B])
    least.streams.find(({ node }) => node === B)?.stream.destroy()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await least.dial(), B)
    const any = new Scene('random')
    const keys = [0.9, 0, 0.1, 0]
    Object.defineProperty(any, 'random', { get: () => keys.shift() ?? 0 })
    assert.equal(await any.dial(), B)
  })

  it('that end their connections are asked at once, and reported with the sessions they had', async () => {
    const scene = new Scene()
    for (let n = 0; n < 3; n++) await scene.dial()
    scene.nowMs += 1_000
    await scene.kill(A)
    for (let n = 0; n < 3; n++) scene.nodes.ended({ ...END, node: A })
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([scene.probed, scene.changes.map(({ node, count }) => [node, count])], [[A], [[A, 3]]])
  })

  it('that go into maintenance are left out at their word; other 320s say nothing of the node', async () => {
    const scene = new Scene()
    await scene.dial()
    const closed = { ...END, node: A, reason: 'broker-closed', replyCode: 320 } as const
    scene.nodes.ended({ ...closed, detail: '320 CONNECTION_FORCED - user deleted' })
    assert.deepEqual(scene.changes, [])
    scene.nodes.ended({ ...closed, detail: '320 CONNECTION_FORCED - Node was put into maintenance mode' })
    assert.deepEqual(
      scene.changes.map(({ node, cause, count }) => [node, cause, count]),
      [[A, 'maintenance', 1]],
    )
    assert.equal(await scene.dial(), B)
  })

  it('that another configuration keeps stay as they are', async () => {
    const scene = new Scene()
    scene.gone.add(A)
    await scene.dial()
    scene.nodes.apply({ ...scene.settings, target: { urls: [url('a'), url('c')], proxyProtocol: false } })
    assert.deepEqual(
      scene.nodes.all.map(({ name, isUp }) => [name, isUp]),
      [
        [A, false],
        ['amqp://c:5672', true],
      ],
    )
    assert.equal(await scene.dial(), 'amqp://c:5672')
  })
})
