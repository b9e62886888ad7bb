/** `amqp-gatehouse/testing` as a test of somebody else uses it, with a RabbitMQ that is there. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ConfigError } from '../../src/index.ts'
import { startTestGateway } from '../../testing/index.ts'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { type BrokerUser, type TestBroker, testBroker } from '../support/broker.ts'

describe('a gateway in a test', () => {
  let rabbit: TestBroker
  let user: BrokerUser
  let broker: string
  before(async () => {
    rabbit = await testBroker()
    user = await rabbit.user('tester')
    broker = rabbit.addressFor(user)
  })
  after(() => rabbit.stop())

  it('lets somebody in by a URL, and says what happened', async () => {
    await using gate = await startTestGateway({ broker })
    const client = await connectAmqplib(await gate.urlFor('jane'))
    const { user: seen, subject } = await gate.logged('session-opened', { subject: 'jane' })
    assert.deepEqual([seen, subject], [user.username, 'jane'])
    const channel = await client.connection.createConfirmChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    channel.sendToQueue(queue, Buffer.from('hello'))
    await channel.waitForConfirms()
    await client.connection.close()
    assert.equal((await gate.audited('queue.named')).queue, queue)
    assert.equal((await gate.audited('publish.counted')).messages, 1)
    assert.equal((await gate.logged('session-ended')).reason, 'client-closed')
  })

  it('knows users by password, by token and by ticket, with their roles', async () => {
    const users = { jane: { password: 'welcome ${home}', roles: ['trader'] }, eve: 'other' }
    const promote = [{ when: { role: 'trader' }, to: 'broker' }]
    await using gate = await startTestGateway({ broker, users, service: { promote } })
    const passwordOf = (name: string, password: string) => ({
      websocket: { headers: { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` } },
    })
    await (await connectAmqplib(gate.url, passwordOf('jane', 'welcome ${home}'))).connection.close()
    await (await connectAmqplib(await gate.urlFor('jane'))).connection.close()
    const authorization = `Bearer ${await gate.tokenFor('joe', { roles: ['trader'] })}`
    await (await connectAmqplib(gate.url, { websocket: { headers: { authorization } } })).connection.close()

    await assert.rejects(connectAmqplib(gate.url, passwordOf('eve', 'other')), /403/)
    const { cause } = await gate.logged('authorization-refused', { subject: 'eve' })
    assert.equal(cause, 'no-promotion-rule')
    await assert.rejects(gate.ticketFor('jane', { expiresIn: -60 }), /no ticket for jane: not authenticated/)
  })

  it('takes what an environment does not say, and waits for a line that is judged', async () => {
    const nothing = process.env['GATEHOUSE_NO_SUCH_VARIABLE']
    await using gate = await startTestGateway({ broker, users: { jane: { password: nothing } }, configure: undefined })
    const client = await connectAmqplib(await gate.urlFor('jane', { expiresIn: undefined }))
    const channel = await client.connection.createConfirmChannel()
    for (let count = 0; count < 11; count++) channel.publish('amq.fanout', '', Buffer.from('hello'))
    await channel.waitForConfirms()
    await client.connection.close()
    assert.equal((await gate.audited('publish.counted', ({ messages }) => Number(messages) > 10)).messages, 11)
  })

  it('names an option that it does not have', async () => {
    const misspelt = { broker, user: { jane: 'welcome' } }
    await assert.rejects(startTestGateway(misspelt), /no option "user"; known: broker, users/)
  })

  it('promotes to other broker users, and takes any key of the configuration', async () => {
    const smithj = await rabbit.user('smithj')
    await using gate = await startTestGateway({
      broker,
      brokerUsers: { [smithj.username]: smithj.password },
      service: { promote: [{ when: { claim: { dept: 'fx' } }, to: smithj.username }] },
      configure: (config) => ({ ...config, basePath: '/gate', basePathStripped: true }),
    })
    const client = await connectAmqplib(await gate.urlFor('joe', { claims: { dept: 'fx' } }))
    assert.equal((await gate.logged('session-opened')).user, smithj.username)
    await client.connection.close()
  })

  it('leaves nothing behind, closed twice or never started', async (t) => {
    const TMPDIR = process.env['TMPDIR']
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-kit-'))
    t.after(async () => {
      if (TMPDIR === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = TMPDIR
      await rm(folder, { recursive: true })
    })
    process.env['TMPDIR'] = folder
    const gate = await startTestGateway({ broker })
    assert.equal((await readdir(folder)).length, 1)
    const { port = 0 } = gate.gateway.addresses[0] ?? {}
    await gate.close()
    await gate.close()
    await assert.rejects(fetch(`http://127.0.0.1:${port}`))
    const wrong = startTestGateway({ broker, service: { permissions: [{ write: [{ exchange: '' }] }] } })
    await assert.rejects(wrong, ConfigError)
    assert.deepEqual(await readdir(folder), [])
  })

  it('says what is wrong with the user or the vhost', async () => {
    const wrong = rabbit.addressFor({ ...user, password: 'CANARY-not-this' })
    await assert.rejects(startTestGateway({ broker: wrong }), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`no RabbitMQ for the test at .* as ${user.username} in vhost .*Wrong password`),
      )
      return !error.message.includes('CANARY')
    })
    await assert.rejects(
      startTestGateway({ broker: rabbit.addressFor(user, 'nowhere') }),
      /[^.]\. There is .*add_vhost/,
    )
  })
})
