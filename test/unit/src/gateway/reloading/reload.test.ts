/** Sessions follow a reload one after the other: what goes wrong in one of them is no reason for others to keep what they had. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Identity } from '../../../../../auth/index.ts'
import type { ConfigInput } from '../../../../../src/config/schema/schema.ts'
import { JudgedGateway, JudgedSession } from '../../../../support/judged-sessions.ts'

const identity: Identity = {
  issuer: 'staff',
  subject: 'ann',
  authenticator: 'staff',
  roles: [],
  claims: {},
  fromCookie: false,
}
const visitor = { identity, origin: undefined, address: '203.0.113.7' }

/** Of a password that nobody has. */
const HASH = '$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY'

const configWith = (queue: string): ConfigInput => ({
  listen: { port: 0 },
  brokers: {
    main: { urls: ['amqp://127.0.0.1'], credentials: { one: { username: 'one', password: { env: 'SECRET' } } } },
  },
  authenticators: { staff: { type: 'basic', users: { ann: { password: HASH } } } },
  services: [
    {
      path: '/amqp',
      broker: 'main',
      vhost: '/',
      authenticate: ['staff'],
      promote: [{ to: 'one' }],
      permissions: [{ read: [{ queue }] }],
    },
  ],
})

class SeenSession extends JudgedSession {
  readonly seen: string[] = []

  override adopt(): void {
    this.seen.push('adopted')
  }

  end({ reason }: { readonly reason: string }): void {
    this.seen.push(reason)
  }
}

class FailingSession extends SeenSession {
  override adopt(): void {
    throw new Error('no')
  }
}

describe('a reload', () => {
  it('ends a session that cannot follow, and all others follow', async (t) => {
    const gateway = new JudgedGateway({ SECRET: 'secret' })
    t.after(() => gateway.close())
    await gateway.start(configWith('before'))
    const service = gateway.current.services.get('/amqp')
    assert.ok(service)
    const promoted = await service.promote(identity, { sessionId: 's', address: visitor.address, deadlineMs: 1_000 })
    const sessions = [SeenSession, FailingSession, SeenSession].map(
      (Kind, index) => new Kind(`s${index}`, service, visitor, promoted),
    )
    for (const session of sessions) gateway.sessions.add(session)

    await gateway.reload(configWith('after'))

    assert.deepEqual(
      sessions.map(({ seen }) => seen),
      [['adopted'], ['internal-error'], ['adopted']],
    )
  })
})
