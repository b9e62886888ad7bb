/**
 * Promotion on a real RabbitMQ: who becomes whom, in which vhost, with which secret, judged by the broker's own list; and
 * what is refused before anything is dialled, with a line that names the rule and the kind of value.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { BrokerConnection } from '../../src/demo/management.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { ISSUER, type PromotionGateway, startPromotionGateway } from '../support/promotion-gateway.ts'
import { startTap, type Tap } from '../support/tap.ts'
import { until } from '../support/until.ts'

const OTHER_ISSUER = 'https://other.example.com'

const MODULE = `export default async ({ subject, claims }, { broker, options, signal }) => {
  if (subject === 'slow') await new Promise((resolve) => signal.addEventListener('abort', resolve))
  if (claims.dept !== 'lab') return undefined
  return { username: options.users[broker], password: options.password }
}
`

let broker: TestBroker
let tap: Tap
let gateway: PromotionGateway
let names: { smithj: string; webuser: string; ann: string; lab: string }
let second: string

before(async () => {
  broker = await testBroker()
  tap = await startTap(broker)
  second = await broker.addVhost('-second')
  const [smithj, webuser, ann, lab] = await Promise.all(
    ['smithj', 'webuser', 'ann', 'lab'].map((name) => broker.user(name)),
  )
  assert.ok(smithj !== undefined && webuser !== undefined && ann !== undefined && lab !== undefined)
  names = { smithj: smithj.username, webuser: webuser.username, ann: ann.username, lab: lab.username }
  await broker.rabbit.management.permit(webuser.username, second)
  gateway = await startPromotionGateway({
    env: { SMITHJ_PASSWORD: smithj.password },
    files: {
      'secrets/webuser': `${webuser.password}\n`,
      [`secrets/${ann.username}`]: ann.password,
      'own.mjs': MODULE,
    },
    authenticators: {
      other: { type: 'jwt', issuer: OTHER_ISSUER, audience: 'amqp', jwksFile: 'keys.json', roles: 'roles' },
    },
    brokers: {
      main: {
        urls: [tap.url],
        credentials: {
          smithj: { username: smithj.username, password: { env: 'SMITHJ_PASSWORD' } },
          webuser: { username: webuser.username, password: { file: 'secrets/webuser' }, mechanism: 'AMQPLAIN' },
          own: {
            module: 'own.mjs',
            options: { users: { main: lab.username }, password: lab.password },
            timeout: '300ms',
          },
        },
      },
    },
    service: {
      vhost: broker.vhost,
      authenticate: ['sso', 'other'],
      limits: { handshake: '3s' },
      promote: [
        { when: { subject: 'joe.smith', issuer: ISSUER }, to: 'smithj' },
        { when: { role: 'second' }, to: 'webuser', vhost: second },
        { when: { role: 'choice' }, to: 'webuser', vhosts: [broker.vhost, second] },
        { when: { role: 'trader' }, to: 'webuser' },
        { when: { role: 'lab' }, to: 'own' },
        {
          when: { claim: { dept: 'ops' } },
          to: { username: '${claim.user}', password: { file: 'secrets/${claim.user}' } },
        },
      ],
    },
  })
})

after(async () => {
  await gateway?.stop()
  await tap?.close()
  await broker?.stop()
})

/** What the broker says of one subject's connection. */
async function rowOf(subject: string): Promise<BrokerConnection> {
  return until(async () => {
    const all = [...(await broker.connections()), ...(await broker.connections(second))]
    return all.find(({ client_properties: properties }) => {
      return (properties?.['gatehouse'] as { subject?: string } | undefined)?.subject === subject
    })
  }, `the connection of ${subject}`)
}

describe('somebody is promoted', { concurrency: true }, () => {
  for (const [how, who, expected] of [
    ['mapped', { sub: 'joe.smith' }, () => [names.smithj, broker.vhost, 'PLAIN']],
    ['consolidated', { sub: 'bob', roles: ['trader'] }, () => [names.webuser, broker.vhost, 'AMQPLAIN']],
    ['consolidated, another', { sub: 'eve', roles: ['trader'] }, () => [names.webuser, broker.vhost, 'AMQPLAIN']],
    ['into the vhost of the rule', { sub: 'cleo', roles: ['second'] }, () => [names.webuser, second, 'AMQPLAIN']],
    ['by a module', { sub: 'dan', roles: ['lab'], dept: 'lab' }, () => [names.lab, broker.vhost, 'PLAIN']],
  ] as const) {
    it(`${how}; the broker's list shows who is behind the user`, async () => {
      const { connection } = await gateway.connect(who)
      const row = await rowOf(who.sub)
      assert.deepEqual([row.user, row.vhost, row.auth_mechanism], expected())
      assert.equal(row.client_properties?.['connection_name'], `${who.sub} 127.0.0.1 → ${row.user}`)
      await connection.close()
    })
  }

  it('by a template, with the secret of a file of that name', async () => {
    const { connection } = await gateway.connect({ sub: 'ann', dept: 'ops', user: names.ann })
    assert.equal((await rowOf('ann')).user, names.ann)
    await connection.close()
  })

  it('into one of the vhosts that a rule allows, the client’s choice, and no other', async () => {
    const who = { sub: 'fay', roles: ['choice'] }
    assert.equal((await gateway.outcome(who, '/amqp', second)).code, 200)
    assert.equal((await gateway.outcome(who, '/amqp', broker.vhost)).code, 200)
    const { code, text } = await gateway.outcome(who, '/amqp', '/')
    assert.deepEqual([code, text], [530, 'NOT_ALLOWED - this vhost is not open to you'])
  })
})

describe('somebody is not promoted', () => {
  const template = (user: unknown) => ({ sub: 'mallory', dept: 'ops', user })

  for (const [what, who, why] of [
    [
      'a NUL',
      template('ann\0admin'),
      /promotion rule 6 \(to \$\{claim\.user\}\): \$\{claim\.user\} is a text with a NUL character/,
    ],
    ['256 bytes', template('x'.repeat(256)), /promotion rule 6 .*is a text of 256 bytes/],
    ['an object', template({ name: 'ann' }), /promotion rule 6 .*is an object; expected a text/],
    ['a list', template(['ann']), /promotion rule 6 .*is a list; expected a text/],
    ['nothing', template(undefined), /promotion rule 6 .*is missing; expected a text/],
    ['a separator', template('tenant/ann'), /promotion rule 6 .*is a text of 10 bytes; here only/],
    ['a way out of the folder', template('../keys.json'), /promotion rule 6 .*not beginning with a dot/],
    ['another Unicode form', template('Ame\u0301lie'), /promotion rule 6 .*in decomposed Unicode form/],
    ['a line break', template('ann\n'), /promotion rule 6 .*with control characters/],
    [
      'a role of the name of a subject',
      { sub: 'mallory', roles: ['joe.smith'] },
      /no promotion rule matches subject "mallory"/,
    ],
    [
      'a subject of the name of a role',
      { sub: 'trader' },
      /no promotion rule matches subject "trader" .* with no roles/,
    ],
    [
      'the subject of another issuer',
      { sub: 'joe.smith', iss: OTHER_ISSUER },
      /no promotion rule matches subject "joe\.smith" of issuer "https:\/\/other/,
    ],
    [
      'a module that knows nobody',
      { sub: 'mallory', roles: ['lab'] },
      /promotion rule 5 \(to own\): the module .*own\.mjs has no credential for this identity/,
    ],
  ] as const) {
    it(`with ${what}: refused with a line that says why, and nothing is dialled`, async () => {
      const from = gateway.lines.length
      const dials = tap.connections.length

      const { code, text } = await gateway.outcome(who)

      assert.deepEqual([code, text], [403, 'this login may not use this service'])
      const line = await gateway.line('authorization-refused', () => true, from)
      assert.match(String(line['detail']), why)
      assert.equal(line['level'], 'warn')
      assert.equal(tap.connections.length, dials)
    })
  }

  for (const [what, who, why] of [
    [
      'a secret file that is not there',
      template('nobody'),
      /promotion rule 6 .*the secret file .*nobody cannot be read: .*no such file/,
    ],
    [
      'a module that does not answer',
      { sub: 'slow', roles: ['lab'], dept: 'lab' },
      /promotion rule 5 \(to own\): the module .* failed: the module took longer than 300 ms/,
    ],
  ] as const) {
    it(`with ${what}: not available`, async () => {
      const from = gateway.lines.length
      const { code, text } = await gateway.outcome(who)
      assert.deepEqual([code, text], [503, 'not available'])
      const line = await gateway.line('promotion-failed', () => true, from)
      assert.match(String(line['detail']), why)
      assert.equal(line['level'], 'error')
    })
  }
})
