/** The strategy that takes one-time tickets from query and cookie. What a ticket is, is in test/support/state/tickets.ts. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import type { Authenticator, Outcome } from '../../../../../auth/authenticator.ts'
import { AuthenticationRefused } from '../../../../../auth/errors.ts'
import { type Identity, identityKey } from '../../../../../auth/identity.ts'
import { MemoryState } from '../../../../../auth/state/memory/state.ts'
import type { TicketBinding } from '../../../../../auth/state/tickets.ts'
import {
  type IssuedTicket,
  ticketAuthenticator,
  ticketAuthenticatorOf,
  withoutTickets,
} from '../../../../../auth/strategies/ticket/ticket.ts'
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
const ofOwn = () => new MemoryState().tickets('tickets')

describe('the ticket authenticator', () => {
  const tickets = ticketAuthenticator({ name: 'tickets', tickets: ofOwn() })
  const issue = async (identity = joe, binding = AMQP) => (await tickets.issue(identity, binding)).ticket
  const NAME = `__Host-gatehouse-ticket-${createHash('sha256').update('/amqp').digest('hex').slice(0, 8)}`
  const named = (name: string, ...values: string[]) =>
    [['Cookie', values.map((value) => `${name}=${value}`).join('; ')]] as const
  const cookie = (...values: string[]) => named(NAME, ...values)
  const take = async (parts: Parameters<typeof authenticationRequest>[0]): Promise<Outcome> =>
    await tickets.authenticate(authenticationRequest(parts))

  it('has no challenge and says how long a ticket lives', async () => {
    assert.equal(tickets.challenge, undefined)
    assert.equal((await tickets.issue(joe, AMQP)).expiresInSeconds, 30)
  })

  it('takes one from the query, with everything the identity has', async () => {
    const outcome = await take({ url: `/amqp?ticket=${await issue()}` })
    assert.deepEqual(outcome, { kind: 'proven', carrier: 'query:ticket', identity: joe })
  })

  it('is absent without one, and refuses an empty, a wrong, a used and two of them', async () => {
    assert.deepEqual(await take({}), { kind: 'absent' })
    const used = await issue()
    await take({ url: `/amqp?ticket=${used}` })
    const urls = [
      '?ticket=',
      '?ticket',
      '?ticket=abc',
      `?ticket=${used}`,
      `?ticket=${await issue()}&ticket=x`,
      `?ticket=${await issue()}&%74icket=${await issue()}`,
    ]
    for (const url of urls) {
      const outcome = await take({ url: `/amqp${url}` })
      assert.equal(outcome.kind, 'refused', url)
      assert.notEqual(outcome.kind === 'refused' && outcome.ambient, true, url)
    }
  })

  it('takes one from the cookie, which is ambient', async () => {
    const outcome = await take({ headers: cookie(await issue()) })
    assert.equal(outcome.kind === 'proven' && outcome.identity.fromCookie, true)
    for (const values of [['abc'], [await issue(), await issue()]]) {
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
      assert.deepEqual(await take({ headers: named(name, await issue()) }), { kind: 'absent' }, JSON.stringify(name))
    }
    const other = { service: '/other', headers: cookie(await issue(joe, { service: '/other', origin: undefined })) }
    assert.deepEqual(await take(other), { kind: 'absent' }, 'of another service')
    assert.equal((await take({ headers: cookie(await issue()) })).kind, 'proven')
  })

  it('G31 takes one without the prefix where there is no TLS, as browsers do', async () => {
    const plain = { isSecure: false, headers: named(NAME.replace('__Host-', ''), await issue()) }
    assert.equal((await take(plain)).kind, 'proven')
    assert.deepEqual(await take({ ...plain, isSecure: true }), { kind: 'absent' })
    assert.deepEqual(await take({ isSecure: false, headers: cookie(await issue()) }), { kind: 'absent' })
  })

  it('G31 refuses two of a name, in one header or in two, whatever they hold', async () => {
    for (const headers of [cookie(await issue(), await issue()), [...cookie(await issue()), ...cookie('')]]) {
      const outcome = await take({ headers })
      assert.equal(outcome.kind === 'refused' && outcome.malformed, true)
    }
  })

  it('is explicit again in a query, even when the login came from a cookie', async () => {
    const outcome = await take({ url: `/amqp?ticket=${await issue({ ...joe, fromCookie: true })}` })
    assert.equal(outcome.kind === 'proven' && outcome.identity.fromCookie, false)
  })

  it('prefers the query to the cookie, and refuses two people', async () => {
    const both = async (query: string, inCookie: string) =>
      await take({ url: `/amqp?ticket=${query}`, headers: cookie(inCookie) })
    const stale = await both(await issue(), 'stale')
    assert.equal(stale.kind === 'proven' && stale.carrier, 'query:ticket')
    assert.equal((await both('stale', await issue())).kind, 'refused')
    assert.equal((await both(await issue(), await issue())).kind, 'proven')
    assert.equal((await both(await issue(), await issue(ann))).kind, 'refused')
  })

  it('refuses to issue too many', async () => {
    const few = ticketAuthenticator({ name: 'few', tickets: ofOwn(), ticketCount: 1 })
    await few.issue(joe, AMQP)
    await assert.rejects(
      few.issue(ann, AMQP),
      (error) => error instanceof AuthenticationRefused && error.code === 'throttled' && error.retryAfterSeconds === 30,
    )
    await few.revoke({ identities: [identityKey(joe)] })
    await few.issue(ann, AMQP)
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
      tickets.cookie(issued, { service: '/amqp', isSecure: true }),
      `${NAME}=abc; Path=/; Max-Age=30; HttpOnly; SameSite=Strict; Secure`,
    )
    const plain = tickets.cookie(issued, { service: '/amqp', isSecure: false })
    assert.equal(plain, `${NAME.replace('__Host-', '')}=abc; Path=/; Max-Age=30; HttpOnly; SameSite=Strict`)
  })

  it('G70 takes no cookie of a gateway under another path of the same host', async () => {
    const other = ticketAuthenticator({ name: 'tickets', tickets: ofOwn(), basePath: '/gate' })
    const set = other.cookie(await other.issue(joe, AMQP), { service: '/amqp', isSecure: true })
    const [pair = ''] = set.split(';')
    assert.notEqual(pair.split('=')[0], NAME)
    const headers = [['Cookie', `${pair}; ${NAME}=${await issue()}`]] as const
    assert.equal((await take({ headers })).kind, 'proven')
    assert.equal((await other.authenticate(authenticationRequest({ headers }))).kind, 'proven')
    assert.deepEqual(await take({ headers: [['Cookie', pair]] }), { kind: 'absent' })
  })
})
