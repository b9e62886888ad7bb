/** One-time tickets: taken once, bound, bounded, revocable; and the strategy that takes them from query and cookie. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import type { Authenticator, Outcome } from '../../../../../auth/authenticator.ts'
import { AuthenticationRefused } from '../../../../../auth/errors.ts'
import { type Identity, identityKey } from '../../../../../auth/identity.ts'
import {
  type IssuedTicket,
  ticketAuthenticator,
  ticketAuthenticatorOf,
  ticketCookie,
  withoutTickets,
} from '../../../../../auth/strategies/ticket/ticket.ts'
import { type TicketBinding, TicketStore } from '../../../../../auth/strategies/ticket/tickets.ts'
import { authenticationRequest } from '../../../../support/authentication-request.ts'

const joe: Identity = {
  issuer: 'https://idp.example.com',
  subject: 'joe.smith',
  authenticator: 'sso',
  roles: ['trader'],
  claims: {},
  fromCookie: false,
  expiresAtMs: Date.now() + 3_600_000,
  sessionKey: 'sid-1',
}
const ann: Identity = { ...joe, subject: 'ann', sessionKey: 'sid-2' }
const AMQP: TicketBinding = { service: '/amqp', origin: undefined }
const APP = 'https://app.example.com'

describe('a ticket', () => {
  it('is 256 bits in base64url and carries the identity', () => {
    const store = new TicketStore()
    const ticket = store.issue(joe, AMQP) ?? ''
    assert.match(ticket, /^[A-Za-z0-9_-]{43}$/)
    assert.equal(Buffer.from(ticket, 'base64url').length, 32)
    assert.deepEqual(store.take(ticket, AMQP), { identity: joe })
    assert.equal(store.size, 0)
  })

  it('is taken exactly once, by whichever of a hundred at once', async () => {
    const store = new TicketStore()
    const ticket = store.issue(joe, AMQP) ?? ''
    const all = await Promise.all(Array.from({ length: 100 }, async () => store.take(ticket, AMQP)))
    assert.equal(all.filter((taken) => 'identity' in taken).length, 1)
  })

  it('ends after its time, to the millisecond', () => {
    let now = 5
    const store = new TicketStore({ ttlSeconds: 30 }, () => now)
    const [early, late] = [store.issue(joe, AMQP) ?? '', store.issue(joe, AMQP) ?? '']
    now = 30_004
    assert.ok('identity' in store.take(early, AMQP))
    now = 30_005
    assert.deepEqual(store.take(late, AMQP), { detail: 'unknown, used or expired ticket' })
  })

  it('is for one service, and used up where it was shown', () => {
    const store = new TicketStore()
    const ticket = store.issue(joe, AMQP) ?? ''
    assert.deepEqual(store.take(ticket, { service: '/other', origin: undefined }), { detail: 'a ticket for /amqp' })
    assert.ok('detail' in store.take(ticket, AMQP))
  })

  it('is for the Origin of its POST, if that had one', () => {
    const store = new TicketStore()
    const bound = () => store.issue(joe, { service: '/amqp', origin: APP }) ?? ''
    for (const origin of [undefined, 'null', 'https://app.example.com:444', 'https://evil.example.com']) {
      assert.deepEqual(store.take(bound(), { service: '/amqp', origin }), { detail: 'a ticket for another Origin' })
    }
    assert.ok('identity' in store.take(bound(), { service: '/amqp', origin: APP }))
    assert.ok('identity' in store.take(store.issue(joe, AMQP) ?? '', { service: '/amqp', origin: APP }))
  })

  it('is never guessed by something else', () => {
    const store = new TicketStore()
    store.issue(joe, AMQP)
    for (const text of ['', 'x', '__proto__', 'A'.repeat(43), 'A'.repeat(44), `${'A'.repeat(42)}=`, 'A'.repeat(5000)]) {
      assert.ok('detail' in store.take(text, AMQP), text.slice(0, 50))
    }
  })

  it('ends with the person or the login session', () => {
    const store = new TicketStore()
    const issue = () => [store.issue(joe, AMQP) ?? '', store.issue(ann, AMQP) ?? ''] as const
    const [joes, anns] = issue()
    store.revoke({ identities: [identityKey(joe)] })
    assert.ok('detail' in store.take(joes, AMQP))
    assert.ok('identity' in store.take(anns, AMQP))
    const [joes2, anns2] = issue()
    store.revoke({ sessions: ['sid-2'] })
    assert.ok('identity' in store.take(joes2, AMQP))
    assert.ok('detail' in store.take(anns2, AMQP))
    const together = store.issue({ ...joe, issuer: 'badge', parts: [{ ...joe, issuer: 'badge' }, joe] }, AMQP) ?? ''
    store.revoke({ identities: [identityKey(joe)] })
    assert.ok('detail' in store.take(together, AMQP))
  })

  it('of one person are so many, the oldest ends; of all so many, none is issued', () => {
    let now = 0
    const store = new TicketStore({ ticketCount: 3, perIdentityCount: 2 }, () => now)
    const [first, second, third] = [1, 2, 3].map(() => store.issue(joe, AMQP) ?? '')
    assert.equal(store.size, 2)
    assert.ok('detail' in store.take(first ?? '', AMQP))
    assert.ok(store.issue(ann, AMQP))
    assert.equal(store.issue({ ...joe, subject: 'eve' }, AMQP), undefined)
    assert.ok('identity' in store.take(second ?? '', AMQP))
    assert.ok('identity' in store.take(third ?? '', AMQP))
    now = 30_000
    assert.ok(store.issue(ann, AMQP))
    assert.equal(store.size, 1, 'expired ones are dropped when a new one is issued')
    store.clear()
    assert.equal(store.size, 0)
  })
})

describe('the ticket authenticator', () => {
  const tickets = ticketAuthenticator({ name: 'tickets' })
  const issue = (identity = joe, binding = AMQP) => tickets.issue(identity, binding).ticket
  const NAME = `__Host-gatehouse-ticket-${createHash('sha256').update('/amqp').digest('hex').slice(0, 8)}`
  const named = (name: string, ...values: string[]) =>
    [['Cookie', values.map((value) => `${name}=${value}`).join('; ')]] as const
  const cookie = (...values: string[]) => named(NAME, ...values)
  const take = async (parts: Parameters<typeof authenticationRequest>[0]): Promise<Outcome> =>
    await tickets.authenticate(authenticationRequest(parts))

  it('has no challenge and says how long a ticket lives', () => {
    assert.equal(tickets.challenge, undefined)
    assert.equal(tickets.issue(joe, AMQP).expiresInSeconds, 30)
  })

  it('takes one from the query, with everything the identity has', async () => {
    const outcome = await take({ url: `/amqp?ticket=${issue()}` })
    assert.deepEqual(outcome, { kind: 'proven', carrier: 'query:ticket', identity: joe })
  })

  it('is absent without one, and refuses an empty, a wrong, a used and two of them', async () => {
    assert.deepEqual(await take({}), { kind: 'absent' })
    const used = issue()
    await take({ url: `/amqp?ticket=${used}` })
    const urls = [
      '?ticket=',
      '?ticket',
      '?ticket=abc',
      `?ticket=${used}`,
      `?ticket=${issue()}&ticket=x`,
      `?ticket=${issue()}&%74icket=${issue()}`,
    ]
    for (const url of urls) {
      const outcome = await take({ url: `/amqp${url}` })
      assert.equal(outcome.kind, 'refused', url)
      assert.notEqual(outcome.kind === 'refused' && outcome.ambient, true, url)
    }
  })

  it('takes one from the cookie, which is ambient', async () => {
    const outcome = await take({ headers: cookie(issue()) })
    assert.equal(outcome.kind === 'proven' && outcome.identity.fromCookie, true)
    for (const values of [['abc'], [issue(), issue()]]) {
      const refused = await take({ headers: cookie(...values) })
      assert.equal(refused.kind === 'refused' && refused.ambient, true)
    }
  })

  it('G31 looks at no cookie that a sibling domain could have planted', async () => {
    const bare = NAME.replace('__Host-', '')
    const planted = [
      'gatehouse-ticket',
      bare,
      `__Secure-${bare}`,
      `__host-${bare}`,
      `\u00a0${NAME}`,
      `\ufeff${NAME}`,
      `${NAME}\u00a0`,
      `\v${NAME}`,
      `$${NAME}`,
      `"${NAME}"`,
    ]
    for (const name of planted) {
      assert.deepEqual(await take({ headers: named(name, issue()) }), { kind: 'absent' }, JSON.stringify(name))
    }
    const other = { service: '/other', headers: cookie(issue(joe, { service: '/other', origin: undefined })) }
    assert.deepEqual(await take(other), { kind: 'absent' }, 'of another service')
    assert.equal((await take({ headers: cookie(issue()) })).kind, 'proven')
  })

  it('G31 takes one without the prefix where there is no TLS, as browsers do', async () => {
    const plain = { isSecure: false, headers: named(NAME.replace('__Host-', ''), issue()) }
    assert.equal((await take(plain)).kind, 'proven')
    assert.deepEqual(await take({ ...plain, isSecure: true }), { kind: 'absent' })
    assert.deepEqual(await take({ isSecure: false, headers: cookie(issue()) }), { kind: 'absent' })
  })

  it('G31 refuses two of a name, in one header or in two, whatever they hold', async () => {
    for (const headers of [cookie(issue(), issue()), [...cookie(issue()), ...cookie('')]]) {
      const outcome = await take({ headers })
      assert.equal(outcome.kind === 'refused' && outcome.malformed, true)
    }
  })

  it('is explicit again in a query, even when the login came from a cookie', async () => {
    const outcome = await take({ url: `/amqp?ticket=${issue({ ...joe, fromCookie: true })}` })
    assert.equal(outcome.kind === 'proven' && outcome.identity.fromCookie, false)
  })

  it('prefers the query to the cookie, and refuses two people', async () => {
    const both = async (query: string, inCookie: string) =>
      await take({ url: `/amqp?ticket=${query}`, headers: cookie(inCookie) })
    const stale = await both(issue(), 'stale')
    assert.equal(stale.kind === 'proven' && stale.carrier, 'query:ticket')
    assert.equal((await both('stale', issue())).kind, 'refused')
    assert.equal((await both(issue(), issue())).kind, 'proven')
    assert.equal((await both(issue(), issue(ann))).kind, 'refused')
  })

  it('refuses to issue too many', () => {
    const few = ticketAuthenticator({ name: 'few', ticketCount: 1 })
    few.issue(joe, AMQP)
    assert.throws(
      () => few.issue(ann, AMQP),
      (error) => error instanceof AuthenticationRefused && error.code === 'throttled' && error.retryAfterSeconds === 30,
    )
    few.close()
    few.issue(ann, AMQP)
    few.revoke({ identities: [identityKey(ann)] })
    few.issue(ann, AMQP)
  })

  it('is found in a requirement, and left out of what a ticket is asked for with', () => {
    const other: Authenticator = { name: 'sso', type: 'jwt', authenticate: async () => ({ kind: 'absent' }) }
    const requirement = [other, tickets, { all: [other, tickets] }, { all: [other] }]
    assert.equal(ticketAuthenticatorOf(requirement), tickets)
    assert.equal(ticketAuthenticatorOf([{ all: [tickets] }]), tickets)
    assert.equal(ticketAuthenticatorOf([other]), undefined)
    assert.deepEqual(withoutTickets(requirement), [other, { all: [other] }])
  })

  it('has a cookie that no script reads and no other site sends', () => {
    const issued: IssuedTicket = { ticket: 'abc', expiresInSeconds: 30 }
    assert.equal(
      ticketCookie(issued, { service: '/amqp', isSecure: true }),
      `${NAME}=abc; Path=/; Max-Age=30; HttpOnly; SameSite=Strict; Secure`,
    )
    const plain = ticketCookie(issued, { service: '/amqp', isSecure: false })
    assert.equal(plain, `${NAME.replace('__Host-', '')}=abc; Path=/; Max-Age=30; HttpOnly; SameSite=Strict`)
  })
})
