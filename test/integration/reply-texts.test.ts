/**
 * Every error that RabbitMQ can be brought to give after `open-ok`, straight and through the gateway: the client reads the
 * same code and the same words, but for the broker user and the pinned vhost. Whoever runs the broker finds them in the log.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { BrokerPermission } from '../../src/demo/management.ts'
import { basic } from '../support/door.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { type Provocation, provocations, setStage } from '../support/provocations.ts'
import { isClosed, RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

/** All but what is called so. Topics of one exchange are kept apart once more. */
const PERMISSION: BrokerPermission = { configure: '^(?!forbidden)', write: '^(?!forbidden)', read: '^(?!forbidden)' }
const TOPICS = { exchange: 'topics', write: '^(?!secret)', read: '^(?!secret)' }

const HEADERS = { authorization: basic('joe.smith') }

let live: LiveGateway
let directVhost: string

before(async () => {
  live = await startLiveGateway()
  const { broker, users } = live
  directVhost = await broker.addVhost('-direct')
  for (const vhost of [broker.vhost, directVhost]) {
    const [own, others] = [await broker.judge(undefined, vhost), await broker.judge(undefined, vhost)]
    await setStage(await own.createChannel(), await others.createChannel())
    await broker.rabbit.management.permit(users.smithj.username, vhost, PERMISSION)
    await broker.rabbit.management.permitTopic(users.smithj.username, vhost, TOPICS)
  }
})

after(() => live.stop())

const straight = () => RawClient.overTcp(live.broker, live.users.smithj, directVhost)
const through = () => RawClient.overWebSocket(live.url(), HEADERS)

/** What closes the channel or the connection, in one line. */
async function outcome(client: RawClient, { by }: Pick<Provocation, 'by'>): Promise<string> {
  try {
    by(client)
    for (;;) {
      const { name, fields } = await client.next()
      if (name === 'channel.close' || name === 'connection.close')
        return `${name} ${fields['replyCode']} ${fields['classId']}.${fields['methodId']} ${fields['replyText']}`
    }
  } finally {
    client.close()
  }
}

/** A text as the client of the gateway should read it. */
function shown(text: string): string {
  const { username } = live.users.smithj
  return text
    .replace(`refused for user '${username}'`, "refused for user 'joe.smith' at the broker")
    .replace(`user was '${username}'`, "user was 'joe.smith'")
    .replaceAll(`vhost '${directVhost}'`, "vhost '/'")
}

// First, since lines of the log are limited.
describe('what the broker refuses', () => {
  it('E2 is in the log and not at the client: its own text, the broker user, the method and the resource', async () => {
    const { username } = live.users.smithj
    const client = await through()
    const fields = { queue: 'forbidden.log', passive: false, durable: true, exclusive: false, autoDelete: false }
    const answer = await client.call('queue.declare', { ...fields, noWait: false, arguments: [] }, 'queue.declare-ok')
    client.close()

    const line = await live.line('broker-refused-method', ({ detail }) => String(detail).includes('forbidden.log'))

    assert.ok(isClosed(answer) && !answer.text.includes(username))
    assert.match(String(line['detail']), new RegExp(`refused for user '${username}'$`))
    const { level, subject, user, method, resource, replyCode } = line
    assert.deepEqual(
      { level, subject, user, method, resource, replyCode },
      {
        level: 'info',
        subject: 'joe.smith',
        user: username,
        method: 'queue.declare',
        resource: `queue 'forbidden.log' in vhost '${live.broker.vhost}'`,
        replyCode: 403,
      },
    )
  })

  it('is in the log, too, where it costs the connection', async () => {
    await outcome(await through(), { by: (client) => client.send('channel.flow', { active: false }) })

    const line = await live.line('broker-refused-method', ({ detail }) => String(detail).includes('active=false'))
    assert.deepEqual(
      [line['method'], line['detail']],
      ['channel.flow', 'the connection: NOT_IMPLEMENTED - active=false'],
    )
  })
})

describe('what RabbitMQ says of', () => {
  // The broker user's name is only known when the broker runs; the number of provocations is not.
  for (const { name } of provocations('')) {
    it(`${name} reaches the client word for word`, async () => {
      const provocation = provocations(live.users.smithj.username).find((one) => one.name === name)
      assert.ok(provocation)
      const direct = await outcome(await straight(), provocation)

      const gateway = await outcome(await through(), provocation)

      assert.equal(gateway, shown(direct))
    })
  }

  it('a connection that an operator closes reaches the client word for word', async () => {
    const client = await through()
    const [connection] = await until(async () => {
      const found = await live.broker.connections()
      return found.length > 0 && found
    }, 'the connection in the broker’s list')

    const said = outcome(client, { by: () => undefined })
    await live.broker.rabbit.management.closeConnection(connection?.name ?? '', 'moves to ops@example.com')

    assert.match(await said, /^connection\.close 320 0\.0 CONNECTION_FORCED - moves to ops@example\.com$/)
  })
})
