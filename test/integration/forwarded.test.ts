/** A login proxy in front, and people who go around it or pretend to be it, over the wire. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Door, ORIGIN, sendRaw, startDoor, upgradeRequest } from '../support/door.ts'

const SECRET = 'CANARY-secret-of-the-proxy'

let door: Door
before(async () => {
  const front = { type: 'forwarded', rolesHeader: 'X-Forwarded-Groups', secret: SECRET } as const
  door = await startDoor({
    authenticators: {
      front: { ...front, trustedProxies: ['127.0.0.0/8'] },
      elsewhere: { ...front, trustedProxies: ['192.0.2.1'] },
    },
    service: {
      authenticate: ['front'],
      require: { roles: ['trader'] },
      promote: [{ when: { subject: 'joe.smith' }, to: 'smithj' }],
    },
    moreServices: [
      {
        path: '/elsewhere',
        broker: 'main',
        vhost: '/',
        authenticate: ['elsewhere'],
        promote: [{ when: { subject: 'joe.smith' }, to: 'smithj' }],
      },
    ],
  })
})
after(() => door.stop())

const user: [string, string] = ['X-Forwarded-User', 'joe.smith']
const roles: [string, string] = ['X-Forwarded-Groups', 'trader, ops']
const secret: [string, string] = ['X-Gatehouse-Secret', SECRET]

async function knock(more: [string, string][], path = '/amqp'): Promise<number> {
  const { status, socket } = await sendRaw(door.port, upgradeRequest(path, { more }))
  socket.destroy()
  return status
}

describe('a forwarded identity', () => {
  it('opens the door', async () => {
    assert.equal(await knock([user, roles, secret]), 101)
    assert.equal(await knock([user, roles, secret, ['Origin', ORIGIN]]), 101)
  })

  it('needs its roles, and an origin that is listed', async () => {
    assert.equal(await knock([user, secret]), 403)
    assert.equal(await knock([user, roles, secret, ['Origin', 'https://evil.example']]), 403)
  })

  for (const [what, more] of [
    ['no secret', [user, roles]],
    ['a wrong secret', [user, roles, ['X-Gatehouse-Secret', 'guess']]],
    ['nothing', []],
  ] as const) {
    it(`G4 is not believed with ${what}`, async () => {
      assert.equal(await knock([...more] as [string, string][]), 401)
    })
  }

  for (const [what, more] of [
    ['the user twice', [user, user, roles, secret]],
    ['another user before', [['X-Forwarded-User', 'admin'], user, roles, secret]],
    ['the user with _', [['X_Forwarded_User', 'joe.smith'], roles, secret]],
    ['a second user with _', [user, ['X-Forwarded_User', 'admin'], roles, secret]],
    ['the roles with _', [user, ['X_Forwarded_Groups', 'admin'], secret]],
    ['the secret twice', [user, roles, secret, secret]],
  ] as const) {
    it(`G4 G3 is no request at all with ${what}`, async () => {
      const status = await knock([...more] as [string, string][])
      assert.ok(status === 400 || status === 401, String(status))
    })
  }

  it('G4 is not believed from a peer that is not the proxy, even with the secret', async () => {
    assert.equal(await knock([user, secret], '/elsewhere'), 401)
    const line = await door.line('authentication-refused', ({ service }) => service === '/elsewhere')
    assert.match(String(line['detail']), /127\.0\.0\.1, which is no trusted proxy/)
  })

  it('G9 is not known by what X-Forwarded-For claims', async () => {
    assert.equal(await knock([user, secret, ['X-Forwarded-For', '192.0.2.1']], '/elsewhere'), 401)
  })

  it('shows nobody its secret', () => {
    assert.equal(JSON.stringify(door.lines).includes(SECRET), false)
  })
})
