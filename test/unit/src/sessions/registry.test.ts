import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { identityKey } from '../../../../auth/index.ts'
import { DRAIN } from '../../../../src/sessions/end-requests.ts'
import type { Occupant, Place } from '../../../../src/sessions/place.ts'
import { Sessions } from '../../../../src/sessions/registry.ts'
import { begin, FakeClient, FakeSession, identity } from '../../../support/fake-sessions.ts'

describe('Sessions', () => {
  let sessions = new Sessions()
  afterEach(() => {
    sessions = new Sessions()
  })

  function start(place: Place, id: string, client = new FakeClient()): FakeSession {
    const session = new FakeSession(id)
    begin(sessions, place, session, client)
    return session
  }

  it('shows sessions in the order in which they have begun, from either end', () => {
    const places = ['a', 'b', 'c', 'd'].map(() => sessions.take(identity('joe'), '/amqp'))
    const [first, second, third] = places as [Place, Place, Place]
    // Who has taken a place earlier may begin later.
    for (const [place, id] of [
      [second, 'second'],
      [first, 'first'],
      [third, 'third'],
    ] as const)
      start(place, id)
    sessions.release(first)
    const ids = (of: Iterable<Occupant>) => Array.from(of, ({ id }) => id)
    assert.deepEqual(ids(sessions.each()), ['second', 'third'])
    assert.deepEqual(ids(sessions.youngestFirst()), ['third', 'second'])
  })

  it('keeps a limit for each identity and service, first come first served', () => {
    const places = ['a', 'b', 'c'].map(() => sessions.take(identity('joe'), '/amqp'))
    const [first, second, third] = places as [Place, Place, Place]
    assert.deepEqual(
      [first, second, third].map((place) => sessions.isWithin(place, 2)),
      [true, true, false],
    )
    assert.equal(sessions.isWithin(sessions.take(identity('joe'), '/other'), 1), true)
    assert.equal(sessions.isWithin(sessions.take(identity('ann'), '/amqp'), 1), true)
    assert.equal(sessions.isWithin(sessions.take(identity('joe', { issuer: 'other' }), '/amqp'), 1), true)

    sessions.release(first)
    assert.equal(sessions.isWithin(third, 2), true)
  })

  it('counts against that limit who is somebody alone, not who was vouched for by them', () => {
    const badge = identity('joe', { issuer: 'badge', authenticator: 'badge' })
    const parts = [identity('joe'), badge]
    for (let count = 0; count < 3; count++) sessions.take(identity('joe', { parts }), '/amqp')
    const alone = sessions.take(badge, '/amqp')
    assert.equal(sessions.isWithin(alone, 1), true)
    assert.equal(sessions.isWithin(sessions.take(badge, '/amqp'), 1), false)
    assert.equal(sessions.isWithin(sessions.take(identity('joe'), '/amqp'), 3), false)
  })

  it('does not take one issuer and subject for another', () => {
    const quoted = start(sessions.take(identity('joe","x', { issuer: 'a' }), '/amqp'), '1')
    sessions.endIdentity(identityKey({ issuer: 'a","joe', subject: 'x' }), 'access was revoked')
    assert.deepEqual(quoted.ends, [])
  })

  it('ends everything of an identity, and nothing of others', () => {
    const joe = [1, 2].map((n) => start(sessions.take(identity('joe'), '/amqp'), `joe-${n}`))
    const ann = start(sessions.take(identity('ann'), '/amqp'), 'ann')

    assert.equal(sessions.endIdentity(identityKey(identity('joe')), 'access was revoked'), 2)

    for (const session of joe) {
      assert.deepEqual(session.ends, [
        { reason: 'authority-ended', code: 'connection-forced', explanation: 'access was revoked', closeCode: 4401 },
      ])
    }
    assert.deepEqual(ann.ends, [])
  })

  it('ends who was vouched for by somebody whose authority ended', () => {
    const parts = [identity('joe'), identity('joe', { issuer: 'badge', authenticator: 'badge' })]
    const both = start(sessions.take(identity('joe', { parts }), '/amqp'), 'both')
    assert.equal(sessions.endIdentity(identityKey({ issuer: 'badge', subject: 'joe' }), 'access was revoked'), 1)
    assert.equal(both.ends.length, 1)
  })

  it('ends and finds sessions by the login they hang on', () => {
    const place = sessions.take(identity('joe', { sessionKey: 'sid-1' }), '/amqp')
    const session = start(place, 'one')
    start(sessions.take(identity('joe', { sessionKey: 'sid-2' }), '/amqp'), 'two')
    assert.deepEqual(sessions.withSessionKey('sid-1'), [place])
    assert.equal(sessions.endSessionKey('sid-1', 'logged out'), 1)
    assert.equal(session.ends[0]?.explanation, 'logged out')
  })

  it('finds a session by the login of its renewed identity, and not by the one before; and none that is over', () => {
    const place = sessions.take(identity('joe', { sessionKey: 'sid-1' }), '/amqp')
    start(place, 'one')
    sessions.renew(place, identity('joe', { sessionKey: 'sid-2' }))
    assert.deepEqual([sessions.withSessionKey('sid-1'), sessions.withSessionKey('sid-2')], [[], [place]])

    sessions.release(place)
    sessions.renew(place, identity('joe', { sessionKey: 'sid-3' }))
    assert.deepEqual([sessions.withSessionKey('sid-2'), sessions.withSessionKey('sid-3')], [[], []])
  })

  it('ends at once what was revoked while it was being opened', () => {
    const place = sessions.take(identity('joe'), '/amqp')
    assert.equal(sessions.endIdentity(identityKey(identity('joe')), 'access was revoked'), 0)
    assert.equal(place.endedFor, 'revoked')
    assert.equal(start(place, 'late').ends[0]?.closeCode, 4401)
  })

  it('ends what has expired, and says so to both peers', () => {
    const session = start(sessions.take(identity('joe', { expiresAtMs: Date.now() - 1 }), '/amqp'), 'expired')
    assert.deepEqual(session.ends, [
      { reason: 'authority-ended', code: 'connection-forced', explanation: 'credential expired', closeCode: 4401 },
    ])
  })

  it('goes on with a renewed identity', () => {
    const place = sessions.take(identity('joe', { expiresAtMs: Date.now() + 60_000 }), '/amqp')
    const session = start(place, 'renewed')
    sessions.renew(place, identity('joe', { expiresAtMs: Date.now() - 1 }))
    assert.equal(session.ends.length, 1)
    assert.equal(place.endedFor, 'credential-expired')
  })

  it('asks only those for the bytes they hold through which something has passed', () => {
    const [joe, ann] = [sessions.take(identity('joe'), '/amqp'), sessions.take(identity('ann'), '/amqp')]
    const [one, other] = [start(joe, 'one'), start(ann, 'other')]
    ;[one.bufferedBytes, other.bufferedBytes] = [10, 100]
    assert.equal(sessions.bufferedBytes(), 0)
    sessions.busy(joe)
    sessions.busy(ann)
    assert.equal(sessions.bufferedBytes(), 110)
    other.bufferedBytes = 0
    assert.equal(sessions.bufferedBytes(), 10)
    other.bufferedBytes = 100
    assert.equal(sessions.bufferedBytes(), 10, 'nothing has passed since it held nothing')
    sessions.release(joe)
    sessions.busy(joe)
    assert.equal(sessions.bufferedBytes(), 0)
  })

  it('still asks a session that was busy before it had begun', () => {
    const place = sessions.take(identity('joe'), '/amqp')
    sessions.busy(place)
    assert.equal(sessions.bufferedBytes(), 0)
    start(place, 'late').bufferedBytes = 5
    assert.equal(sessions.bufferedBytes(), 5)
  })

  it('sheds the session that holds most', () => {
    const [small, large] = [new FakeClient(10), new FakeClient(1_000)]
    start(sessions.take(identity('joe'), '/amqp'), 'small', small)
    const session = start(sessions.take(identity('ann'), '/amqp'), 'large', large)
    assert.equal(sessions.shedLargest()?.record.identity.subject, 'ann')
    assert.deepEqual([small.terminated, large.terminated], [false, true])
    assert.deepEqual([session.ends[0]?.reason, session.ends[0]?.closeCode], ['overload', 1013])
  })

  it('sheds each session once, however long it takes to end', () => {
    start(sessions.take(identity('joe'), '/amqp'), 'small', new FakeClient(10))
    start(sessions.take(identity('ann'), '/amqp'), 'large', new FakeClient(1_000))
    const shed = Array.from({ length: 3 }, () => sessions.shedLargest()?.record.identity.subject)
    assert.deepEqual(shed, ['ann', 'joe', undefined])
  })

  it('sheds nobody who holds less than it is worth', () => {
    const [small, large] = [new FakeClient(10), new FakeClient(1_000)]
    start(sessions.take(identity('joe'), '/amqp'), 'small', small)
    start(sessions.take(identity('ann'), '/amqp'), 'large', large)
    assert.equal(sessions.shedLargest(1_001), undefined)
    assert.equal(sessions.shedLargest(1_000)?.record.identity.subject, 'ann')
    assert.deepEqual([small.terminated, large.terminated], [false, true])
  })

  it('says when it is empty', async () => {
    const places = ['a', 'b', 'c'].map((id) => ({ place: sessions.take(identity('joe'), '/amqp'), id }))
    const started = places.map(({ place, id }) => start(place, id))
    sessions.endEvenly(sessions.each(), DRAIN, { overMs: 0, quietMs: 1_000 })
    const emptied = sessions.emptied()
    assert.deepEqual(
      started.map(({ ends }) => ends[0]?.closeCode),
      [1012, 1012, 1012],
    )
    for (const { place } of places) sessions.release(place)
    await emptied
    assert.equal(sessions.count, 0)
    await sessions.emptied()
  })
})
