/** What a promotion rule sets for its own people, beside people of the same service for whom the service's limits hold. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type AmqplibConnection, connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, startDoor } from '../support/door.ts'
import { until } from '../support/until.ts'

/** Fewer bytes than the service allows, and more than the rule does. */
const MESSAGE = Buffer.alloc(2048)

describe('the limits of a promotion rule', () => {
  let door: Door
  before(async () => {
    door = await startDoor({
      service: {
        limits: { channelMax: 20, message: '64KiB', sessionsPerIdentity: 2 },
        promote: [
          {
            when: { role: 'trader' },
            to: 'smithj',
            limits: { channelMax: 3, message: '1KiB', sessionsPerIdentity: 1 },
          },
          { to: 'smithj' },
        ],
      },
    })
  })
  after(() => door.stop())

  const connect = (user: string): Promise<AmqplibConnection> =>
    connectAmqplib(door.url(), { websocket: { headers: { authorization: basic(user) } } })

  for (const [user, channelCount, sessionCount, isMessageTaken] of [
    ['joe.smith', 3, 1, false],
    ['guest', 20, 2, true],
  ] as const) {
    it(`${user} has ${channelCount} channels, ${sessionCount} sessions, and messages as large as that`, async () => {
      const clients: AmqplibConnection[] = []
      for (let n = 0; n < sessionCount; n++) clients.push(await connect(user))
      await assert.rejects(connect(user), (error) => error instanceof UpgradeRefused && error.status === 429)

      const [client] = clients
      assert.ok(client !== undefined)
      const channels = await Promise.all(Array.from({ length: channelCount }, () => client.connection.createChannel()))
      await assert.rejects(async () => client.connection.createChannel(), /No channels left to allocate/)

      const [channel, other] = channels
      assert.ok(channel !== undefined && other !== undefined)
      let failure = ''
      channel.once('error', (error: Error) => {
        failure = error.message
      })
      channel.publish('orders', 'key', MESSAGE)
      await other.close()
      if (isMessageTaken) assert.equal(failure, '')
      else assert.match(failure, /311 .*CONTENT_TOO_LARGE/)

      for (const { connection } of clients) await connection.close()
      await until(() => door.gateway.sessionCount === 0, 'no session left')
    })
  }
})
