import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type BalancedNode, Rebalance } from '../../../../src/brokers/rebalance.ts'

const SETTINGS = { after: 60_000, perSecond: 20 }

function nodes(...counts: (number | 'away')[]): BalancedNode[] {
  return counts.map((count, at) => ({
    name: `node-${at}`,
    isUp: count !== 'away',
    sessionCount: count === 'away' ? 0 : count,
    backAtMs: Number.NEGATIVE_INFINITY,
  }))
}

describe('Rebalance', () => {
  it('takes from each node what is above the mean, once it is time', () => {
    const rebalance = new Rebalance(0)
    assert.equal(rebalance.due(nodes(150, 150, 0), SETTINGS, 59_999).size, 0)
    assert.deepEqual(Object.fromEntries(rebalance.due(nodes(160, 140, 0), SETTINGS, 60_000)), {
      'node-0': 60,
      'node-1': 40,
    })
  })

  it('waits from the return of a node on, and after a round until all of it have had their turn', () => {
    const rebalance = new Rebalance(0)
    const back = nodes(50, 0).map((node) => ({ ...node, backAtMs: 100_000 }))
    assert.equal(rebalance.due(back, SETTINGS, 159_999).size, 0)
    assert.equal(rebalance.due(back, SETTINGS, 160_000).get('node-0'), 25)
    // 25 sessions at 20 in a second.
    assert.equal(rebalance.due(back, SETTINGS, 221_249).size, 0)
    assert.equal(rebalance.due(back, SETTINGS, 221_250).size, 1)
  })

  it('leaves small differences, nodes that are away, and a node that is alone', () => {
    for (const counts of [[105, 100, 96], [2, 0], [300, 'away'], [300], ['away', 'away'], []] as const)
      assert.equal(new Rebalance(0).due(nodes(...counts), SETTINGS, 60_000).size, 0, JSON.stringify(counts))
  })
})
