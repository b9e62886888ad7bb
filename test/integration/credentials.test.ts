/**
 * Every way in which a real RabbitMQ does not take a session: the client hears the neutral text, the operator gets one
 * line with cause and remedy, and a broken credential is tried again after a while, not once for each client.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { TestBroker } from '../support/broker.ts'
import { privateBroker } from '../support/live-gateway.ts'
import { type PromotionGateway, startPromotionGateway } from '../support/promotion-gateway.ts'
import { startTap, type Tap } from '../support/tap.ts'
import { until } from '../support/until.ts'

const REFUSED = { code: 403, closeCode: 1011, text: 'ACCESS_REFUSED - the broker refused the connection' }
const AWAY = { code: 541, closeCode: 1013, text: 'INTERNAL_ERROR - the broker is not available' }

let broker: TestBroker
let tap: Tap
let mute: ReturnType<typeof createServer>
let gateway: PromotionGateway
const people: Record<string, string> = {}

before(async () => {
  broker = await privateBroker({ config: ['auth_mechanisms.1 = PLAIN'] })
  tap = await startTap(broker)
  mute = createServer((socket) => socket.on('error', () => undefined).resume())
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const address = mute.address()
  assert.ok(address !== null && typeof address === 'object')

  const { management } = broker.rabbit
  const good = await broker.user('good')
  const foreign = await broker.user('foreign', { permission: null })
  const full = await broker.user('full')
  await management.request('PUT', `/api/user-limits/${full.username}/max-connections`, { value: 0 })
  const crowded = await broker.addVhost('-crowded')
  await management.permit(good.username, crowded)
  await management.request('PUT', `/api/vhost-limits/${crowded}/max-connections`, { value: 0 })
  Object.assign(people, { good: good.username, full: full.username, foreign: foreign.username, crowded })

  const to = (username: string, password: string) => ({ username, password: { file: `secrets/${password}` } })
  gateway = await startPromotionGateway({
    files: {
      'secrets/good': good.password,
      'secrets/wrong': 'CANARY-not-the-password',
      'secrets/foreign': foreign.password,
      'secrets/full': full.password,
    },
    brokers: {
      main: {
        urls: [tap.url],
        credentials: {
          good: to(good.username, 'good'),
          wrong: to(good.username, 'wrong'),
          unknown: to('nobody-of-that-name', 'wrong'),
          foreign: to(foreign.username, 'foreign'),
          full: to(full.username, 'full'),
          amqplain: { ...to(good.username, 'good'), mechanism: 'AMQPLAIN' },
        },
      },
      tls: { urls: [`amqps://127.0.0.1:${broker.port}`], credentials: { good: to(good.username, 'good') } },
      mute: { urls: [`amqp://127.0.0.1:${address.port}`], credentials: { good: to(good.username, 'good') } },
      nowhere: { urls: ['amqp://127.0.0.1:1'], credentials: { good: to(good.username, 'good') } },
    },
    service: {
      vhost: broker.vhost,
      promote: [
        ...['good', 'wrong', 'unknown', 'foreign', 'full', 'amqplain'].map((role) => ({ when: { role }, to: role })),
        { when: { role: 'no-vhost' }, to: 'good', vhost: 'no-such-vhost' },
        { when: { role: 'crowded' }, to: 'good', vhost: crowded },
        { when: { role: 'either' }, to: 'good', vhosts: ['no-such-vhost', broker.vhost] },
      ],
    },
    moreServices: ['tls', 'mute', 'nowhere'].map((name) => ({
      path: `/${name}`,
      broker: name,
      vhost: broker.vhost,
      authenticate: ['sso'],
      promote: [{ to: 'good' }],
      limits: { handshake: '1s' },
    })),
  })
})

after(async () => {
  await gateway?.stop()
  await tap?.close()
  mute?.close()
  await broker?.stop()
})

const ROWS = [
  { role: 'wrong', sees: REFUSED, cause: 'login-refused', detail: /^403 ACCESS_REFUSED - Login was refused/ },
  { role: 'unknown', sees: REFUSED, cause: 'login-refused', detail: /^403 ACCESS_REFUSED - Login was refused/ },
  {
    role: 'foreign',
    sees: REFUSED,
    cause: 'vhost-refused',
    detail: /^530 NOT_ALLOWED - access to vhost .* refused for user/,
  },
  {
    role: 'no-vhost',
    sees: REFUSED,
    cause: 'vhost-unknown',
    detail: /^530 NOT_ALLOWED - vhost no-such-vhost not found/,
  },
  {
    role: 'full',
    sees: REFUSED,
    cause: 'user-limit',
    detail: /^530 NOT_ALLOWED - .*user connection limit \(0\) is reached/,
  },
  {
    role: 'crowded',
    sees: REFUSED,
    cause: 'vhost-limit',
    detail: /^530 NOT_ALLOWED - .*connection limit \(0\) is reached/,
  },
  {
    role: 'amqplain',
    sees: REFUSED,
    cause: 'mechanism-unknown',
    detail: /^the broker offers PLAIN; the credential can answer AMQPLAIN$/,
  },
  { path: '/tls', sees: AWAY, cause: 'tls', detail: /^amqps:\/\/127\.0\.0\.1:\d+: no TLS is spoken there/ },
  { path: '/mute', sees: AWAY, cause: 'timeout', detail: /^amqp:\/\/127\.0\.0\.1:\d+: no answer in phase start/ },
  { path: '/nowhere', sees: AWAY, cause: 'unreachable', detail: /^amqp:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/ },
] as const

const REMEDIES: Readonly<Record<string, RegExp>> = {
  'login-refused': /authenticate_user/,
  'vhost-refused': /set_permissions/,
  'vhost-unknown': /add_vhost/,
  'user-limit': /set_user_limits/,
  'vhost-limit': /set_vhost_limits/,
  'mechanism-unknown': /auth_mechanisms/,
  tls: /tls\.ca/,
  timeout: /firewall/,
  unreachable: /is the broker running/,
}

describe('a broker that says no', () => {
  for (const row of ROWS) {
    const [role, path] = 'role' in row ? [row.role, '/amqp'] : ['anybody', row.path]
    it(`(${row.cause}: ${role} at ${path}) tells the client nothing and the operator all`, async () => {
      const from = gateway.lines.length

      const seen = await gateway.outcome({ roles: [role] }, path)

      assert.deepEqual(seen, row.sees)
      const line = await gateway.line('session-ended', ({ service }) => service === path, from)
      // A node that is away has a line of its own, whoever finds out.
      const isAway = row.cause === 'tls' || row.cause === 'unreachable'
      assert.deepEqual([line['level'], line['cause']], [isAway ? 'debug' : 'error', row.cause])
      const told = isAway ? await gateway.line('broker-node-away', ({ cause }) => cause === row.cause) : line
      assert.match(String(line['detail']), row.detail)
      assert.match(String(told['remedy']), REMEDIES[row.cause] ?? /never/)
    })
  }

  it('shows neither users nor passwords to clients, nor passwords to anybody', async () => {
    const log = gateway.written.join('')
    assert.ok(log.includes(String(people['good'])))
    assert.ok(!log.includes('CANARY'))
  })
})

describe('a credential that the broker does not take', () => {
  /** How often the broker leg was dialled since. */
  const dialled = (before: number) => tap.connections.length - before

  it('is not tried by those who come next, and tried once when its rest is over', async () => {
    await gateway.gateway.reload()
    const from = gateway.lines.length
    const connections = tap.connections.length
    assert.deepEqual(await gateway.outcome({ roles: ['wrong'] }), REFUSED)

    const rest = await gateway.line('session-ended', ({ level }) => level === 'error', from)
    const outcomes = await Promise.all([1, 2, 3, 4, 5].map(() => gateway.outcome({ roles: ['wrong'] })))

    for (const seen of outcomes) assert.deepEqual(seen, REFUSED)
    assert.equal(dialled(connections), 1)
    assert.ok(Number(rest['pauseMs']) <= 1000)
    assert.equal(rest['count'], 0)
    const held = () =>
      gateway.lines.slice(from).filter(({ event, level }) => event === 'session-ended' && level === 'debug')
    await until(() => held().length === 5, 'five lines for those who debug')

    await until(async () => {
      await gateway.outcome({ roles: ['wrong'] })
      return dialled(connections) === 2
    }, 'the second attempt')
    const second = await gateway.line('session-ended', ({ count }) => Number(count) > 0, from)
    assert.ok(Number(second['count']) >= 5)
    assert.ok(Number(second['pauseMs']) > 1000 && Number(second['pauseMs']) <= 2000)
  })

  it('holds off nobody who is promoted to another one', async () => {
    assert.deepEqual(await gateway.outcome({ roles: ['wrong'] }), REFUSED)
    assert.equal((await gateway.outcome({ roles: ['good'] })).code, 200)
  })

  it('is tried when its secret has changed, within a second', async () => {
    await gateway.gateway.reload()
    assert.deepEqual(await gateway.outcome({ roles: ['wrong'] }), REFUSED)
    const good = await broker.user('good')
    await gateway.write('secrets/wrong', good.password)
    await gateway.write('secrets/good', good.password)
    await until(async () => (await gateway.outcome({ roles: ['wrong'] })).code === 200, 'the new secret')
  })

  it('is tried at once after SIGHUP, and free after one success', async () => {
    await gateway.gateway.reload()
    const { management } = broker.rabbit
    assert.deepEqual(await gateway.outcome({ roles: ['foreign'] }), REFUSED)
    await management.permit(String(people['foreign']), broker.vhost)
    assert.deepEqual(await gateway.outcome({ roles: ['foreign'] }), REFUSED, 'still resting')
    await gateway.gateway.reload()
    assert.equal((await gateway.outcome({ roles: ['foreign'] })).code, 200)
  })

  it('does not let one client’s choice of a vhost hold off the others', async () => {
    assert.deepEqual(await gateway.outcome({ roles: ['either'] }, '/amqp', 'no-such-vhost'), REFUSED)
    assert.equal((await gateway.outcome({ roles: ['either'] }, '/amqp', broker.vhost)).code, 200)
  })

  it('was seen by the broker only as often as it was tried', async () => {
    const refused =
      broker.rabbit.log().match(/nobody-of-that-name.* - invalid credentials|user 'nobody-of-that-name'/g) ?? []
    assert.ok(refused.length >= 1 && refused.length <= 3, `${refused.length} times`)
  })
})
