/**
 * A RabbitMQ cluster of three of which one node is killed and one is put into maintenance: clients are told at once and are
 * back on others, and nobody else notices anything. `npm run test:cluster` does more, and takes minutes.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ClusterScene, skewOf } from '../support/cluster-scene.ts'
import { HEARTBEAT_SECONDS } from '../support/rabbit-cluster.ts'
import { until } from '../support/until.ts'

/** `all`: frozen as well, and moved back afterwards. */
const ALL = process.env['CLUSTER'] === 'all'
const CLIENTS = ALL ? 90 : 24
/** On a machine at work; `CLUSTER_TOLD_MS=1000` is the promise. */
const TOLD_MS = Number(process.env['CLUSTER_TOLD_MS'] ?? 5_000)
const BACK_MS = Number(process.env['CLUSTER_BACK_MS'] ?? 15_000)
const EVEN_MS = 120_000

describe('a cluster of three broker nodes', () => {
  let scene: ClusterScene
  before(async () => {
    scene = await ClusterScene.open({
      clients: CLIENTS,
      isFreezable: ALL,
      ...(ALL ? { rebalance: { after: '60s', perSecond: 20 } } : {}),
    })
  })
  after(() => scene.stop())

  async function isUp(at: number): Promise<void> {
    const node = scene.cluster.urls[at]
    await until(
      () => scene.lines.findLast((line) => line['node'] === node)?.['event'] === 'broker-node-back',
      `node ${at} is back`,
      60_000,
    )
  }

  it('one put into maintenance', async (t) => {
    const { toldMs, backMs, count } = await scene.strike(1, () => scene.cluster.maintain(1))
    t.diagnostic(`${count} clients: told within ${toldMs.toFixed()} ms, back within ${backMs.toFixed()} ms`)
    assert.ok(count > 0 && backMs < BACK_MS)
    await scene.cluster.revive(1)
    await isUp(1)
  })

  it('one killed', async (t) => {
    const { toldMs, backMs, count } = await scene.strike(2, () => scene.cluster.nodes[2]?.halt('SIGKILL'))
    t.diagnostic(`${count} clients: told within ${toldMs.toFixed()} ms, back within ${backMs.toFixed()} ms`)
    assert.ok(count > 0 && toldMs < TOLD_MS && backMs < BACK_MS)
    assert.equal((await scene.counts())[2], 0)
  })

  if (ALL) {
    it('is even again when the node is back', async (t) => {
      await scene.cluster.nodes[2]?.restart()
      await isUp(2)
      const startedMs = performance.now()
      await until(async () => skewOf(await scene.counts()) <= 0.2, 'even nodes', EVEN_MS)
      t.diagnostic(`${(await scene.counts()).join(' ')} after ${((performance.now() - startedMs) / 1000).toFixed()} s`)
      assert.ok(scene.lines.some(({ event }) => event === 'broker-rebalanced'))
    })

    it('one frozen', async (t) => {
      const { toldMs, backMs, count } = await scene.strike(0, () => scene.cluster.freeze(0), 60_000)
      t.diagnostic(`${count} clients: told within ${toldMs.toFixed()} ms, back within ${backMs.toFixed()} ms`)
      assert.ok(count > 0 && toldMs < (2 * HEARTBEAT_SECONDS + 3) * 1000 && backMs < BACK_MS)
      scene.cluster.thaw(0)
    })
  }
})
