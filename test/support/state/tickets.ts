/** Tickets: taken once, bound, bounded, revocable; whoever keeps them. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { type Identity, identityKey } from '../../../auth/identity.ts'
import type { Taken, TicketBinding, TicketLimits } from '../../../auth/state/tickets.ts'
import { ANN, JOE, type RigMaker, type StateRig } from './rig.ts'

const AMQP: TicketBinding = { service: '/amqp', origin: undefined }
const APP = 'https://app.example.com'
const LIMITS: TicketLimits = { ttlSeconds: 30, ticketCount: 100, perIdentityCount: 10 }

export function describeTickets(rigOf: RigMaker): void {
  let rig: StateRig
  const issueWith = (limits: Partial<TicketLimits>, identity = JOE, binding = AMQP) =>
    rig.state.tickets('one').issue(identity, binding, { ...LIMITS, ...limits })
  const issue = async (identity: Identity = JOE, binding = AMQP) => (await issueWith({}, identity, binding)) ?? ''
  const take = (ticket = '', binding = AMQP): Promise<Taken> => rig.state.tickets('one').take(ticket, binding)
  const isTaken = async (ticket = '') => 'identity' in (await take(ticket))

  beforeEach(async () => {
    rig = await rigOf()
  })

  describe('a ticket', () => {
    it('is 256 bits in base64url and carries the identity', async () => {
      const ticket = await issue()
      assert.match(ticket, /^[A-Za-z0-9_-]{43}$/)
      assert.equal(Buffer.from(ticket, 'base64url').length, 32)
      assert.deepEqual(await take(ticket), { identity: JOE })
    })

    it('is taken exactly once, by whichever of a hundred at once', async () => {
      const ticket = await issue()
      const all = await Promise.all(Array.from({ length: 100 }, () => take(ticket)))
      assert.equal(all.filter((taken) => 'identity' in taken).length, 1)
    })

    it('ends after its time, to the millisecond', async () => {
      const [early, late] = [await issue(), await issue()]
      await rig.elapse(29_999 - rig.slackMs)
      assert.ok(await isTaken(early))
      await rig.elapse(1 + rig.slackMs)
      assert.deepEqual(await take(late), { detail: 'unknown, used or expired ticket' })
    })

    it('is for one service, and used up where it was shown', async () => {
      const ticket = await issue()
      assert.deepEqual(await take(ticket, { service: '/other', origin: undefined }), { detail: 'a ticket for /amqp' })
      assert.equal(await isTaken(ticket), false)
    })

    it('is for the Origin of its POST, if that had one', async () => {
      const bound = () => issue(JOE, { service: '/amqp', origin: APP })
      for (const origin of [undefined, 'null', 'https://app.example.com:444', 'https://evil.example.com']) {
        const taken = await take(await bound(), { service: '/amqp', origin })
        assert.deepEqual(taken, { detail: 'a ticket for another Origin' })
      }
      for (const ticket of [await bound(), await issue()]) {
        assert.ok('identity' in (await take(ticket, { service: '/amqp', origin: APP })))
      }
    })

    it('is never guessed by something else', async () => {
      await issue()
      const guesses = ['', 'x', '__proto__', 'A'.repeat(43), 'A'.repeat(44), `${'A'.repeat(42)}=`, 'A'.repeat(5000)]
      for (const text of guesses) assert.equal(await isTaken(text), false, text.slice(0, 50))
    })

    it('ends with the person or the login session', async () => {
      const tickets = rig.state.tickets('one')
      const [joes, anns] = [await issue(), await issue(ANN)]
      await tickets.revoke({ identities: [identityKey(JOE)] })
      assert.deepEqual([await isTaken(joes), await isTaken(anns)], [false, true])
      const [joes2, anns2] = [await issue(), await issue(ANN)]
      await tickets.revoke({ sessions: ['sid-2'] })
      assert.deepEqual([await isTaken(joes2), await isTaken(anns2)], [true, false])
      const together = await issue({ ...JOE, issuer: 'badge', parts: [{ ...JOE, issuer: 'badge' }, JOE] })
      await tickets.revoke({ identities: [identityKey(JOE)] })
      assert.equal(await isTaken(together), false)
    })

    it('ends at once for whoever takes it in this process', async () => {
      const ticket = await issue()
      const revoked = rig.state.tickets('one').revoke({ identities: [identityKey(JOE)] })
      assert.equal(await isTaken(ticket), false)
      await revoked
    })
  })

  describe('tickets', () => {
    it('of one person are so many, the oldest ends; of all so many, none is issued', async () => {
      const few = { ticketCount: 3, perIdentityCount: 2 }
      const [first, second, third] = [await issueWith(few), await issueWith(few), await issueWith(few)]
      assert.ok(await issueWith(few, ANN))
      assert.equal(await issueWith(few, { ...JOE, subject: 'eve' }), undefined)
      assert.deepEqual([await isTaken(first), await isTaken(second), await isTaken(third)], [false, true, true])
      assert.ok(await issueWith(few))
      assert.ok(await issueWith(few))
      await rig.elapse(30_000)
      assert.ok(await issueWith(few, { ...JOE, subject: 'eve' }), 'expired ones take no room')
    })

    it('live as long as was said when they were issued, and take no room after that', async () => {
      const long = await issueWith({ ttlSeconds: 60, ticketCount: 2 })
      await issueWith({ ttlSeconds: 10, ticketCount: 2 }, ANN)
      await rig.elapse(10_000)
      assert.ok(await issueWith({ ticketCount: 2 }, ANN), 'one behind a longer one has expired')
      await rig.elapse(49_999 - rig.slackMs)
      assert.ok(await isTaken(long))
    })

    it('of one person are fewer as soon as fewer are allowed', async () => {
      const tickets = [await issue(), await issue(), await issue()]
      tickets.push((await issueWith({ perIdentityCount: 2 })) ?? '')
      const taken = await Promise.all(tickets.map(isTaken))
      assert.deepEqual(taken, [false, false, true, true])
    })

    it('are those of their scope, and forgotten with it', async () => {
      const [other, own] = [rig.state.tickets('other'), await issue()]
      assert.ok('detail' in (await other.take(own, AMQP)))
      const kept = (await other.issue(JOE, AMQP, LIMITS)) ?? ''
      rig.state.keepOnly(new Set(['other']))
      assert.equal(await isTaken(own), !rig.forgets)
      assert.ok('identity' in (await rig.state.tickets('other').take(kept, AMQP)))
    })
  })
}
