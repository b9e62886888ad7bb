/**
 * Whoever a client says it is, it has the rights of its promoted self and no other; and whoever proves nothing reaches
 * no broker. Judged by what happened at a real RabbitMQ, and by a tap that counts every dial.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import type { Channel } from 'amqplib'
import {
  type AmqplibConnection,
  connectAmqplib,
  HandshakeRefused,
  UpgradeRefused,
} from '../support/amqplib-over-websocket.ts'
import type { BrokerUser } from '../support/broker.ts'
import { basic, ORIGIN } from '../support/door.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { until, within } from '../support/until.ts'

let live: LiveGateway
/** A broker user with rights that smithj lacks, and a password that a client of ours knows. */
let treasurer: BrokerUser
before(async () => {
  live = await startLiveGateway({ tap: {} })
  treasurer = await live.broker.user('treasurer')
  const { management } = live.broker.rabbit
  await management.permit(live.users.smithj.username, live.broker.vhost, {
    configure: '^own',
    write: '^own|^$',
    read: '^own',
  })
  const judge = await live.broker.judge(treasurer)
  const channel = await judge.createConfirmChannel()
  await channel.assertQueue('treasury', { durable: true })
  channel.sendToQueue('treasury', Buffer.from('gold'))
  await channel.waitForConfirms()
  await judge.close()
})
after(() => live.stop())

/** What a channel is closed with when it does something. */
async function refusal(
  client: AmqplibConnection,
  act: (channel: Channel) => unknown,
): Promise<Error & { code: number }> {
  const channel = await client.connection.createChannel()
  const error = once(channel, 'error')
  void Promise.resolve(act(channel)).catch(() => undefined)
  return ((await within(error, 'a channel exception')) as [Error & { code: number }])[0]
}

describe("somebody else's correct broker password in start-ok", () => {
  for (const who of ['treasurer', 'administrator'] as const) {
    it(`of the ${who} gives none of their rights`, async () => {
      const claimed = who === 'treasurer' ? treasurer : live.broker.rabbit.admin
      const direct = await live.broker.judge(claimed)
      assert.equal((await (await direct.createChannel()).checkQueue('treasury')).messageCount, 1)
      await direct.close()

      const client = await live.connect('joe.smith', claimed)

      const users = await until(async () => {
        const rows = await live.broker.connections()
        return rows.length > 0 && rows.map(({ user }) => user)
      }, 'the connection in the list of the broker')
      assert.deepEqual(users, [live.users.smithj.username])
      for (const act of [
        (channel: Channel) => channel.get('treasury'),
        (channel: Channel) => channel.consume('treasury', () => undefined),
        (channel: Channel) => channel.purgeQueue('treasury'),
        (channel: Channel) => channel.deleteQueue('treasury'),
        (channel: Channel) => channel.assertQueue('another-treasury'),
      ]) {
        const { code, message } = await refusal(client, act)
        assert.equal(code, 403)
        assert.match(message, /refused for user 'joe\.smith'/)
        assert.doesNotMatch(message, /smithj|treasurer-|gatehouse-admin/)
      }
      assert.deepEqual(await live.broker.queue('treasury'), { messages: 1, consumers: 0 })
      const own = await client.connection.createChannel()
      assert.equal((await own.assertQueue('own.queue', { autoDelete: true })).messageCount, 0)
      await client.connection.close()
      await until(async () => (await live.broker.connections()).length === 0, 'no connection left')
    })
  }

  it('does not let a message pass as theirs', async () => {
    const client = await live.connect('joe.smith', treasurer)
    const { code, message } = await refusal(client, (channel) =>
      channel.publish('', 'own.queue', Buffer.from('x'), { userId: treasurer.username }),
    )
    assert.equal(code, 406)
    assert.match(message, /user.id/i)
    assert.doesNotMatch(message, /smithj/)
    await client.connection.close()
  })

  it('does not open their vhost', async () => {
    const other = await live.broker.addVhost('-other')
    const { management } = live.broker.rabbit
    await management.permit(treasurer.username, other)
    await management.permit(live.users.smithj.username, other)

    const client = await live.connect('joe.smith', { ...treasurer, vhost: other })

    const judge = await live.broker.judge()
    await (await judge.createChannel()).assertQueue('own.here')
    await (await client.connection.createChannel()).checkQueue('own.here')
    const { message } = await refusal(client, (channel) => channel.checkQueue('own.nowhere'))
    assert.ok(message.includes(`in vhost '${other}'`), 'the client’s own word for the vhost it was given')
    assert.equal((await live.broker.rabbit.management.connections(other)).length, 0)
    await client.connection.close()
  })
})

describe('two people with one broker user', () => {
  it('cannot use each other’s exclusive queues', async () => {
    const [ada, bob] = await Promise.all([live.connect('ada'), live.connect('bob')])
    const own = await ada.connection.createChannel()
    const { queue } = await own.assertQueue('', { exclusive: true })

    assert.equal((await refusal(bob, (channel) => channel.checkQueue(queue))).code, 405)

    assert.equal((await own.checkQueue(queue)).messageCount, 0)
    await Promise.all([ada.connection.close(), bob.connection.close()])
  })

  it('are not ended by what the other one does', async () => {
    const [ada, bob] = await Promise.all([live.connect('ada'), live.connect('bob')])
    const channel = await ada.connection.createChannel()

    bob.socket.send(Buffer.alloc(100, 0xff))

    assert.equal((await bob.closed).code, 1002)
    assert.ok((await channel.assertQueue('', { exclusive: true })).queue)
    await ada.connection.close()
  })
})

describe('who proves nothing, or has no rule', { concurrency: true }, () => {
  interface Caller {
    readonly headers?: Record<string, string>
    readonly origin?: string
  }
  const callers: Record<string, { caller: Caller; http: number; inBand?: number }> = {
    'without authentication': { caller: {}, http: 401, inBand: 4401 },
    'with a wrong password': {
      caller: { headers: { authorization: basic('joe.smith', 'wrong') } },
      http: 401,
      inBand: 4401,
    },
    'with a broker user’s name and password': { caller: {}, http: 401, inBand: 4401 },
    'without a promotion rule': { caller: { headers: { authorization: basic('eve') } }, http: 403, inBand: 4403 },
    'with the wrong Origin': {
      caller: { headers: { authorization: basic() }, origin: 'https://evil.example' },
      http: 403,
    },
  }

  async function outcome({ headers = {}, origin }: Caller): Promise<unknown> {
    const claimed = { ...live.users.smithj, vhost: live.broker.vhost }
    const websocket = { headers, ...(origin === undefined ? {} : { origin }) }
    return connectAmqplib(live.url(), { websocket, ...claimed }).catch((error: unknown) => error)
  }

  for (const [what, { caller, http, inBand }] of Object.entries(callers)) {
    it(`${what} is refused, and no broker is dialled`, async () => {
      const dialled = live.tap.connections.length
      const known = what.includes('broker user')
        ? basic(live.users.smithj.username, live.users.smithj.password)
        : undefined
      const headers = known === undefined ? caller.headers : { authorization: known }
      const asked = { ...caller, ...(headers === undefined ? {} : { headers }) }

      const plain = await outcome(asked)
      const browser = inBand === undefined ? undefined : await outcome({ ...asked, origin: ORIGIN })

      assert.ok(plain instanceof UpgradeRefused, String(plain))
      assert.equal(plain.status, http)
      if (inBand !== undefined) {
        assert.ok(browser instanceof HandshakeRefused, String(browser))
        assert.match(browser.message, /403 .*ACCESS_REFUSED/)
        assert.equal(browser.close?.code, inBand)
      }
      assert.equal(live.tap.connections.length, dialled)
      await until(async () => (await live.broker.connections()).length === 0, 'no connection at the broker')
    })
  }
})
