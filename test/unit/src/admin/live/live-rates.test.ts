/** How fast sessions are at the moment, as long as somebody looks. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LiveRates, sumOf } from '../../../../../src/admin/live/live-rates.ts'

function rig() {
  const clock = { nowMs: 1_000_000 }
  const session = (id: string) => ({
    id,
    startedAtMs: clock.nowMs,
    bytesFromClient: 0,
    bytesToClient: 0,
    messagesFromClient: 0,
    messagesToClient: 0,
  })
  const sessions = [session('a'), session('b')]
  let looks = 0
  const rates = new LiveRates(
    () => {
      looks += 1
      return sessions
    },
    () => clock.nowMs,
  )
  const pass = (seconds: number, each: () => void = () => undefined) => {
    for (let second = 0; second < seconds; second += 1) {
      clock.nowMs += 1_000
      each()
      rates.tick()
    }
  }
  return { clock, sessions, session, rates, pass, looks: () => looks }
}

describe('live rates', () => {
  it('cost nothing while nobody looks', () => {
    const { rates, pass, looks, sessions } = rig()
    pass(100)
    assert.deepEqual([looks(), rates.size], [0, 0])
    const [first] = sessions
    assert.ok(first !== undefined)
    assert.equal(rates.of(first), null, 'there is nothing to compare with')
    pass(31)
    assert.ok(looks() > 1)
    const before = looks()
    pass(100)
    assert.deepEqual([looks(), rates.size], [before, 0], 'half a minute after the last look it is over')
  })

  it('are those of the last seconds, not of the whole life', () => {
    const { rates, pass, sessions } = rig()
    const [first] = sessions
    assert.ok(first !== undefined)
    const carry = (bytes: number) => () => {
      first.bytesFromClient += bytes
      first.messagesToClient += 2
      rates.of(first)
    }
    pass(20, carry(1000))
    assert.equal(rates.of(first)?.bytesFromClient, 1000)
    pass(20, carry(50))
    assert.deepEqual(rates.of(first), {
      bytesFromClient: 50,
      bytesToClient: 0,
      messagesFromClient: 0,
      messagesToClient: 2,
    })
  })

  it('of a session that began since the last sample are those since its beginning', () => {
    const { rates, pass, session, sessions, clock } = rig()
    const [first] = sessions
    assert.ok(first !== undefined)
    rates.of(first)
    pass(2)
    const late = session('late')
    sessions.push(late)
    late.bytesToClient = 3000
    assert.equal(rates.of(late), null)
    clock.nowMs += 2_000
    assert.equal(rates.of(late)?.bytesToClient, 1500)
  })

  it('add up', () => {
    const one = { bytesFromClient: 1, bytesToClient: 2, messagesFromClient: 0.1, messagesToClient: 0 }
    assert.deepEqual(sumOf([one, one, one]), {
      bytesFromClient: 3,
      bytesToClient: 6,
      messagesFromClient: 0.3,
      messagesToClient: 0,
    })
  })
})
