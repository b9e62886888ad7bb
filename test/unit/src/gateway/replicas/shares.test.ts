/** Shares of an identity over all gateways: each gets to know what the others have. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Usages } from '../../../../../proxy/index.ts'
import type { UsageChange } from '../../../../../src/gateway/lasting.ts'
import { SharesOfAll } from '../../../../../src/gateway/replicas/shares.ts'

const SERVICE = '/amqp'
const JOE = 'joe'

/** Gateways whose words arrive at once. */
function scene(count: number) {
  const clock = { nowMs: 1_000_000 }
  const told: number[] = []
  const gateways = Array.from({ length: count }, (_, index) => {
    const usages = new Usages()
    const lasting = {
      usageChanges: (nowMs: number) =>
        [...usages.changes(nowMs)].map(([identity, used]): UsageChange => ({ service: SERVICE, identity, used })),
      usedElsewhere: (changes: readonly UsageChange[]) => {
        for (const { identity, used } of changes) if (used !== null) usages.usedElsewhere(identity, used)
      },
    }
    const shares = new SharesOfAll({
      lasting,
      tell: (changes) => {
        told.push(changes.length)
        for (const [other, gateway] of gateways.entries())
          if (other !== index && gateway.listens) gateway.shares.said(String(index), changes)
      },
      hasOthers: () => count > 1,
      nowMs: () => clock.nowMs,
    })
    return { usages, shares, listens: true, lives: true }
  })
  const pass = (seconds: number): void => {
    for (let turn = 0; turn < seconds; turn += 1) {
      clock.nowMs += 1_000
      for (const { shares, lives } of gateways) if (lives) shares.tick()
    }
  }
  return { gateways, pass, told, clock }
}

describe('shares of all gateways', () => {
  it('are known at each a second later, and given back as soon', () => {
    const { gateways, pass, clock } = scene(3)
    const [one, two, three] = gateways.map(({ usages }) => usages.enter(JOE, clock.nowMs))
    assert.ok(one && two && three)
    one.channels = 2
    two.channels = 3
    two.consumers = 1
    pass(1)
    assert.deepEqual(
      [one, two, three].map(({ elsewhere }) => elsewhere.channels),
      [3, 2, 5],
    )
    assert.equal(three.elsewhere.consumers, 1)
    two.channels = 0
    pass(1)
    assert.deepEqual(
      [one, two, three].map(({ elsewhere }) => elsewhere.channels),
      [0, 2, 2],
    )
  })

  it('are known to whoever begins later, and to a gateway that missed a word', () => {
    const { gateways, pass, clock } = scene(2)
    const [first, second] = gateways
    assert.ok(first && second)
    second.listens = false
    first.usages.enter(JOE, clock.nowMs).channels = 4
    pass(2)
    second.listens = true
    const late = second.usages.enter(JOE, clock.nowMs)
    late.channels = 1
    pass(10)
    assert.equal(late.elsewhere.channels, 4)
  })

  it('end with the gateway that held them, and not before', () => {
    const { gateways, pass, clock } = scene(2)
    const [first, second] = gateways
    assert.ok(first && second)
    const here = second.usages.enter(JOE, clock.nowMs)
    first.usages.enter(JOE, clock.nowMs).channels = 4
    pass(60)
    assert.equal(here.elsewhere.channels, 4)
    first.lives = false
    pass(10)
    assert.equal(here.elsewhere.channels, 4)
    pass(30)
    assert.equal(here.elsewhere.channels, 0)
  })

  it('are told in parts, and to nobody where there is nobody', () => {
    const { gateways, pass, told, clock } = scene(2)
    for (let index = 0; index < 2_500; index += 1) {
      const usage = gateways[0]?.usages.enter(`person ${index}`, clock.nowMs)
      assert.ok(usage)
      usage.channels = 1
    }
    pass(1)
    assert.deepEqual(told, [1_000, 1_000, 500])
    const alone = scene(1)
    const usage = alone.gateways[0]?.usages.enter(JOE, alone.clock.nowMs)
    assert.ok(usage)
    usage.channels = 1
    alone.pass(20)
    assert.deepEqual(alone.told, [])
  })
})
