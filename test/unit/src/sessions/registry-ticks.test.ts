/** Once a second the registry looks at all sessions, a few at a time, and ticks those that are due. */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Place } from '../../../../src/sessions/place.ts'
import { Sessions } from '../../../../src/sessions/registry.ts'
import { begin, FakeSession, identity } from '../../../support/fake-sessions.ts'
import { until } from '../../../support/until.ts'

describe('the ticks of sessions', () => {
  let sessions = new Sessions()
  afterEach(() => {
    sessions = new Sessions()
  })

  function start(place: Place, id: string): FakeSession {
    const session = new FakeSession(id)
    begin(sessions, place, session)
    return session
  }

  it('ticks live and refused sessions, until they have ended', () => {
    const place = sessions.take(identity('joe'), '/amqp')
    const [live, refused] = [start(place, 'live'), new FakeSession('refused')]
    sessions.watchRefused(refused)
    sessions.tick()
    sessions.release(place)
    sessions.refusedEnded(refused)
    sessions.tick()
    assert.deepEqual([live.ticks, refused.ticks, sessions.count], [1, 1, 0])
  })

  it('ticks a session when it asked for it, and at once when it was renewed', () => {
    let nowMs = 1_000
    const clocked = new Sessions({ wallMs: Date.now, monotonicMs: () => nowMs })
    const place = clocked.take(identity('joe'), '/amqp')
    const session = new FakeSession('live')
    session.nextTickMs = 4_000
    begin(clocked, place, session)
    const ticks: number[] = []
    for (; nowMs <= 5_000; nowMs += 1_000) {
      clocked.tick()
      ticks.push(session.ticks)
    }
    assert.deepEqual(ticks, [1, 1, 1, 2, 3])

    session.nextTickMs = 100_000
    clocked.tick()
    clocked.renew(place, identity('joe'))
    clocked.tick()
    clocked.tick()
    assert.equal(session.ticks, 5)
  })

  it('ticks who is due each second at each tick, though timers come a little early', () => {
    let nowMs = 1_000
    const clocked = new Sessions({ wallMs: Date.now, monotonicMs: () => nowMs })
    const place = clocked.take(identity('joe'), '/amqp')
    const session = new FakeSession('live')
    begin(clocked, place, session)
    for (nowMs of [1_000, 1_999.6, 2_999.2, 4_000.1]) {
      session.nextTickMs = nowMs + 1_000
      clocked.tick()
    }
    assert.equal(session.ticks, 4)
  })

  it('ticks thousands a few at a time, each once in a second, and nobody who has ended', async () => {
    const places = Array.from({ length: 1_000 }, (_, index) => sessions.take(identity(`p${index}`), '/amqp'))
    const all = places.map((place, index) => {
      const session = new FakeSession(String(index))
      session.nextTickMs = Number.POSITIVE_INFINITY
      begin(sessions, place, session)
      return session
    })
    const ticked = () => all.filter(({ ticks }) => ticks > 0).length
    sessions.tick()
    assert.equal(ticked(), 256)
    const [ended] = places.slice(-1)
    assert.ok(ended)
    sessions.release(ended)
    await until(() => ticked() === 999, 'a tick of all that are left')
    assert.deepEqual(new Set(all.map(({ ticks }) => ticks)), new Set([0, 1]))
  })

  it('ticks those at once whose turn has not come when the next second begins', () => {
    const all = Array.from({ length: 1_000 }, (_, index) => {
      const session = start(sessions.take(identity(`p${index}`), '/amqp'), String(index))
      session.nextTickMs = Number.POSITIVE_INFINITY
      return session
    })
    for (let second = 0; second < 2; second++) sessions.tick()
    assert.ok(all.every(({ ticks }) => ticks === 1))
  })

  it('ticks a session that is due more often than each second when it is due, from its opening to its end', async () => {
    const place = sessions.take(identity('joe'), '/amqp')
    const session = start(place, 'hasty')

    sessions.opened(place)
    assert.equal(session.ticks, 1)
    const beforeMs = performance.now()
    await until(() => session.ticks >= 3, 'three ticks')

    assert.ok(performance.now() - beforeMs < 900, 'the ticker of all was not needed')
    sessions.release(place)
    const other = start(sessions.take(identity('ann'), '/amqp'), 'hasty, too')
    const { ticks } = session
    sessions.tick()
    await until(() => other.ticks >= 3, 'three ticks of another')
    assert.equal(session.ticks, ticks)
  })
})
