/** `gatehouse check --connect` on a real RabbitMQ: finds each right that is taken away, or says that it cannot ask for it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type BrokerRights, brokerRights } from '../../auth/index.ts'
import { type BrokerUser, type TestBroker, testBroker } from '../support/broker.ts'
import { runCommand } from '../support/terminal.ts'

const PERMISSIONS = {
  configure: [{ queue: '' }, { queue: 'ui.${subject}.*' }, { queue: 'exact' }, { exchange: 'made.*' }],
  write: [{ queue: 'ui.${subject}.*' }, { exchange: 'orders', routingKey: 'a.#' }],
  read: [{ queue: 'ui.${subject}.*' }, { queue: 'exact' }, { exchange: 'quotes' }],
}
const FULL = brokerRights([PERMISSIONS], 'webuser')

/** What is taken away, from which list, and the line for it: by asking, or by the management API alone. */
const TAKEN: readonly (readonly [keyof BrokerRights, string, RegExp, 'asked' | 'read'])[] = [
  ['configure', 'amq\\.gen-.*', /missing: configure on queue "amq\.gen-gatehouse-check-/, 'asked'],
  ['configure', 'ui\\.', /missing: configure on queue "ui\./, 'asked'],
  ['configure', 'made\\.', /missing: configure on exchange "made\./, 'asked'],
  ['configure', 'exact', /missing: configure on queue "exact"/, 'read'],
  ['write', 'amq\\.default', /missing: write on the default exchange \(amq\.default\)/, 'asked'],
  ['write', 'amq\\.gen-.*', /missing: write on queue "amq\.gen-/, 'asked'],
  ['write', 'ui\\.', /missing: write on queue "ui\./, 'asked'],
  ['write', 'orders', /missing: write on exchange "orders"/, 'asked'],
  ['read', 'amq\\.gen-.*', /missing: read on queue "amq\.gen-/, 'asked'],
  ['read', 'ui\\.', /missing: read on queue "ui\./, 'asked'],
  ['read', 'quotes', /missing: read on exchange "quotes"/, 'asked'],
  ['read', 'exact', /missing: read on queue "exact"/, 'read'],
]

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-connect-'))
let broker: TestBroker
let webuser: BrokerUser

before(async () => {
  broker = await testBroker()
  webuser = await broker.user('webuser', { permission: null })
  const channel = await (await broker.judge()).createChannel()
  for (const exchange of ['orders', 'quotes']) await channel.assertExchange(exchange, 'topic', { durable: false })
})

after(async () => {
  await broker.stop()
  rmSync(folder, { recursive: true })
})

interface Options {
  readonly password?: string
  readonly service?: object
  readonly urls?: readonly string[]
  readonly management?: boolean
}

async function check({
  password = webuser.password,
  service = {},
  management = false,
  urls = [broker.url],
}: Options = {}) {
  const file = join(folder, 'gatehouse.yaml')
  const credentials = { webuser: { username: webuser.username, password } }
  const config = {
    listen: { host: '127.0.0.1', port: 0 },
    brokers: { main: { urls, credentials } },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: broker.vhost,
        anonymous: true,
        permissions: [PERMISSIONS],
        promote: [{ to: 'webuser' }],
        ...service,
      },
    ],
  }
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  const { admin, management: api } = broker.rabbit
  const url = api.url.replace('://', `://${encodeURIComponent(admin.username)}@`)
  return await runCommand(['check', '-c', file, '--connect', ...(management ? ['--management', url] : [])], {
    env: { GATEHOUSE_PASSWORD: admin.password },
  })
}

async function permit(rights: BrokerRights): Promise<void> {
  await broker.rabbit.management.permit(webuser.username, broker.vhost, rights)
}

describe('check --connect', () => {
  it('finds nothing where every right is there, and names what it cannot ask', async () => {
    await permit(FULL)
    const { code, stdout } = await check()
    assert.equal(code, 0, stdout)
    assert.match(stdout, /user webuser-\w+, vhost test-\w+: nothing is missing/)
    assert.match(stdout, /not asked: configure on queue "exact": asking would change it/)
    assert.match(stdout, /not asked: read on queue "exact": asking would take a message/)
    const read = await check({ management: true })
    assert.equal(read.code, 0, read.stdout)
    assert.doesNotMatch(read.stdout, /not asked/)
    assert.ok(!read.stdout.includes(webuser.password))
  })

  for (const [list, name, line, by] of TAKEN) {
    it(`finds that ${list} lacks ${name}${by === 'read' ? ', by the management API' : ''}`, async () => {
      await permit({ ...FULL, [list]: FULL[list].replace(name, 'taken away') })
      const { code, stdout } = await check({ management: by === 'read' })
      assert.match(stdout, line)
      assert.equal(code, 1)
    })
  }

  it('names a node that does not answer, although another one takes the login', async () => {
    await permit(FULL)
    const { code, stdout } = await check({ urls: [broker.url, 'amqp://127.0.0.1:1'] })
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^broker main: a node does not answer: amqp:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/m)
    assert.equal(stdout.match(/does not answer/g)?.length, 1)
  })

  it('leaves the broker as it was', async () => {
    const { management } = broker.rabbit
    const queues = (await management.request('GET', `/api/queues/${broker.vhost}`)) as unknown[]
    assert.deepEqual(queues, [])
  })

  it('finds an exchange that is not there', async () => {
    await permit({ configure: '.*', write: '.*', read: '.*' })
    const { code, stdout } = await check({ service: { permissions: [{ read: [{ exchange: 'nowhere' }] }] } })
    assert.match(stdout, /missing: exchange "nowhere": it is not there/)
    assert.equal(code, 1)
  })

  it('finds that the tag impersonator is missing', async () => {
    await permit({ configure: '.*', write: '.*', read: '.*' })
    for (const management of [false, true]) {
      const { code, stdout } = await check({ service: { stamp: { userId: 'subject' } }, management })
      assert.match(stdout, /missing: the tag impersonator/)
      assert.equal(stdout.match(/missing: the tag/g)?.length, 1)
      assert.equal(code, 1)
    }
  })

  it('says that a login was refused, and what to do', async () => {
    const { code, stdout } = await check({ password: 'wrong' })
    assert.match(stdout, /missing: the login: .*Wrong password or unknown user/)
    assert.equal(code, 1)
  })

  it('says that a vhost is not open to the user', async () => {
    const { code, stdout } = await check({ service: { vhost: 'nowhere' } })
    assert.match(stdout, /vhost nowhere: missing: the login: /)
    assert.equal(code, 1)
  })

  it('has words for a wrong --management', async () => {
    const file = join(folder, 'gatehouse.yaml')
    for (const args of [
      ['--management', 'http://a@b'],
      ['--connect', '--management', 'http://a:b@c'],
      ['--connect', '--management', 'x'],
    ]) {
      const { code, stderr } = await runCommand(['check', '-c', file, ...args])
      assert.equal(code, 64, stderr)
    }
  })
})
