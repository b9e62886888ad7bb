/** Messages under the person's own user-id: a real broker takes them from users with the tag `impersonator` only. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type LiveGateway, privateBroker, startLiveGateway } from '../support/live-gateway.ts'
import { type PermissionGateway, startPermissionGateway } from '../support/permission-gateway.ts'
import type { RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

let live: PermissionGateway

before(async () => {
  live = await startPermissionGateway({
    '/person': { stamp: { userId: 'subject' } },
    '/account': { stamp: { userId: 'broker' } },
  })
  await live.judge.assertExchange('open', 'fanout')
  await live.judge.assertQueue('opened')
  await live.judge.bindQueue('opened', 'open', '')
})

after(() => live.stop())

function tag(...tags: string[]): Promise<void> {
  const { username, password } = live.webuser
  return live.broker.rabbit.management.addUser(username, password, tags)
}

/** The user-id of the message that was published like this, or undefined where the channel was closed for it. */
async function publishedAs(client: RawClient): Promise<string | undefined> {
  client.publish('open', '')
  if ((await client.verdict()) !== 'open') return undefined
  const { properties } = await until(() => live.judge.get('opened', { noAck: true }))
  return String(properties.userId)
}

/** A credential that was refused rests a moment. */
function inTheEnd(subject: string): Promise<RawClient> {
  return until(() => live.connect(subject, [], { path: '/person' }))
}

describe('stamping the person’s own user-id', () => {
  it('B20 without the tag no session is opened, and the log says what is to be done', async () => {
    await assert.rejects(live.connect('joe', [], { path: '/person' }), /403|connection\.close/)

    const line = await live.event('session-ended', ({ service }) => service === '/person')

    assert.deepEqual(
      [line['level'], line['reason'], line['cause'], line['closeCode']],
      ['error', 'broker-refused', 'impersonator-missing', 1011],
    )
    assert.match(String(line['remedy']), /rabbitmqctl set_user_tags USER impersonator/)
    assert.match(String(line['detail']), /^406 PRECONDITION_FAILED/)
    assert.equal((await live.judge.checkQueue('opened')).messageCount, 0)
  })

  it('B20 keeps nobody out who shows the same credential under its own name', async () => {
    const joe = await live.connect('joe', [], { path: '/account' })

    assert.equal(await publishedAs(joe), live.webuser.username)
  })

  it('B20 with the tag every message says who published it, whatever its publisher says', async () => {
    await tag('impersonator')
    const joe = await inTheEnd('joe')

    joe.publish('open', '', { properties: { userId: 'somebody.else' } })

    const { properties } = await until(() => live.judge.get('opened', { noAck: true }))
    assert.equal(properties.userId, 'joe')
    assert.equal(await publishedAs(joe), 'joe')
  })

  it('B20 who may not write to the default exchange is told by the first message', async () => {
    const { management } = live.broker.rabbit
    await management.permit(live.webuser.username, live.broker.vhost, { configure: '', write: '^open$', read: '.*' })
    const tagged = await inTheEnd('joe')
    assert.equal(await publishedAs(tagged), 'joe')

    await tag()
    const untagged = await inTheEnd('joe')

    assert.equal(await publishedAs(untagged), undefined)
  })
})

describe('stamping the person’s own user-id during an alarm', () => {
  let ill: LiveGateway

  before(async () => {
    const service = { stamp: { userId: 'subject' as const }, limits: { handshake: '2s' } }
    ill = await startLiveGateway({ broker: await privateBroker(), service })
    const { username, password } = ill.users.webuser
    await ill.broker.rabbit.management.addUser(username, password, ['impersonator'])
  })

  after(() => ill.stop())

  async function alarm(isOn: boolean): Promise<void> {
    const { rabbit } = ill.broker
    await rabbit.ctl('set_vm_memory_high_watermark', isOn ? '0.000001' : '0.6')
    await until(
      async () => {
        const nodes = (await rabbit.management.request('GET', '/api/nodes')) as { mem_alarm?: boolean }[]
        return nodes[0]?.mem_alarm === isOn
      },
      `memory alarm ${isOn ? 'on' : 'off'}`,
    )
  }

  it('the broker does not answer, so nobody is let in until the alarm is over', async () => {
    await alarm(true)
    await assert.rejects(ill.connect('ada'))
    const line = await ill.line('session-ended')
    await alarm(false)

    const { connection } = await ill.connect('ada')

    assert.deepEqual([line['reason'], line['cause'], line['closeCode']], ['broker-unavailable', 'timeout', 1013])
    await connection.close()
  })
})
