/** Renewals of one session that overtake each other: by the client's fresh proof, by a recheck, by a login. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Identity } from '../../../../auth/identity.ts'
import type { Session } from '../../../../proxy/index.ts'
import type { Service } from '../../../../src/services/service.ts'
import { LiveSession } from '../../../../src/sessions/live-session.ts'
import type { NewSession, SessionSurroundings } from '../../../../src/sessions/new-session.ts'
import { Place } from '../../../../src/sessions/place.ts'

function identity(token: string, roles: readonly string[]): Identity {
  const claims = { token }
  return { issuer: 'tokens', subject: 'joe', authenticator: 'tokens', roles, claims, fromCookie: false }
}

it('B53 a renewal that takes long does not bring back what another one has replaced since', async () => {
  const promotions = new Map<string, () => void>()
  const promoted = { credential: { username: 'joe' }, vhosts: {}, basis: { equals: () => true }, rule: 0 }
  const service = {
    path: '/amqp',
    roles: [],
    handshakeMs: 1000,
    sessionTimeoutMs: 60_000,
    async promote({ claims, roles }: Identity) {
      const name = `${String(claims['token'])} ${roles.join()}`
      await new Promise<void>((resolve) => promotions.set(name, resolve))
      return promoted
    },
  } as unknown as Service
  const place = new Place(identity('old', ['clerk']), '/amqp')
  const begun = { id: 's', service, place, promoted, startedMs: 0, address: '192.0.2.1' } as unknown as NewSession
  const sessions = { renew: (one: Place, fresh: Identity) => one.renew(fresh) }
  const shared = { sessions, entitled: { leave: () => undefined } } as unknown as SessionSurroundings
  const ends: unknown[] = []
  const live = new LiveSession(
    begun,
    shared,
    () => ({ end: (request: unknown) => ends.push(request) }) as unknown as Session,
  )
  place.occupy(live)
  const isPromoting = async (name: string) => {
    await setImmediate()
    const done = promotions.get(name)
    promotions.delete(name)
    assert.ok(done, name)
    return done
  }

  const roles = (of: readonly string[]) => (now: Identity) =>
    now.claims['token'] === 'old' ? { ...now, roles: of } : undefined
  const slow = live.goOn(roles(['clerk', 'trader']))
  const slowDone = await isPromoting('old clerk,trader')
  const fresh = live.goOn(() => identity('fresh', ['clerk']))
  ;(await isPromoting('fresh clerk'))()
  await fresh
  slowDone()
  await slow
  assert.deepEqual(place.identity, identity('fresh', ['clerk']))
  assert.deepEqual(ends, [])
  place.session?.released()
})
