import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { type Identity, identityKey } from '../../../../auth/index.ts'
import type { EndRequest, Session } from '../../../../proxy/index.ts'
import { DRAIN } from '../../../../src/sessions/end-requests.ts'
import { Lifetime } from '../../../../src/sessions/lifetime.ts'
import type { Occupant, Place } from '../../../../src/sessions/place.ts'
import type { SessionRecord } from '../../../../src/sessions/record.ts'
import { Sessions } from '../../../../src/sessions/registry.ts'
import { until } from '../../../support/until.ts'

class FakeSession implements Session {
  readonly id: string
  bufferedBytes = 0
  bytesFromClient = 0
  bytesToClient = 0
  isEnding = false
  activity = { channels: 0, consumers: 0, messagesFromClient: 0, messagesToClient: 0 }
  renewBroker = async (): Promise<void> => undefined
  readonly ends: EndRequest[] = []
  ticks = 0
  nextTickMs = 0
  constructor(id: string) {
    this.id = id
  }
  receive(): void {}
  alive(): void {}
  clientGone(): void {}
  end(request: EndRequest): void {
    this.ends.push(request)
  }
  endAtQuietPoint(request: EndRequest): void {
    this.ends.push(request)
  }
  exchange(): void {}
  tick(): number {
    this.ticks++
    return this.nextTickMs
  }
}

class FakeClient {
  readonly held: number
  terminated = false
  constructor(held = 0) {
    this.held = held
  }
}

/** A live session without broker and WebSocket. */
class FakeOccupant implements Occupant {
  readonly entitled = undefined
  readonly revision = 0
  readonly startedAtMs = 0
  readonly id: string
  readonly #place: Place
  readonly #session: FakeSession
  readonly #client: FakeClient
  readonly #lifetime: Lifetime

  constructor(place: Place, session: FakeSession, client: FakeClient) {
    this.id = session.id
    this.#place = place
    this.#session = session
    this.#client = client
    this.#lifetime = new Lifetime(60_000, place.identity.expiresAtMs, (why) => place.endAuthority(why))
  }
  get record(): SessionRecord {
    const { identity, service } = this.#place
    return {
      id: this.id,
      service,
      identity,
      rule: 0,
      broker: 'main',
      node: undefined,
      vhost: undefined,
      client: undefined,
      user: 'webuser',
      address: '127.0.0.1',
      startedAtMs: 0,
      expiresAtMs: identity.expiresAtMs,
      bytesFromClient: 0,
      bytesToClient: 0,
      ...this.#session.activity,
    }
  }
  get isEnding(): boolean {
    return this.#session.isEnding
  }
  get bufferedBytes(): number {
    return this.#session.bufferedBytes
  }
  get assemblingBytes(): number {
    return this.#client.held
  }
  tick(): number {
    this.#lifetime.tick()
    return this.#session.tick()
  }
  end(request: EndRequest): void {
    this.#session.end(request)
  }
  endAtQuietPoint(request: EndRequest): void {
    this.#session.endAtQuietPoint(request)
  }
  terminate(): void {
    this.#client.terminated = true
  }
  goOn(): Promise<void> {
    return Promise.resolve()
  }
  renewed({ expiresAtMs }: Identity): void {
    this.#lifetime.renew(expiresAtMs)
  }
  released(): void {
    this.#lifetime.stop()
  }
  judge(): never {
    throw new Error('not judged here')
  }
  adopt(): void {}
  attach(): void {
    this.#lifetime.tick()
  }
}

function begin(sessions: Sessions, place: Place, session: FakeSession, client = new FakeClient()): void {
  const live = new FakeOccupant(place, session, client)
  sessions.start(place, live)
  live.attach()
}

function identity(subject: string, more: Partial<Identity> = {}): Identity {
  return { issuer: 'staff', subject, authenticator: 'staff', roles: [], claims: {}, fromCookie: false, ...more }
}

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
