/** That a service's permissions, stamps, shares and audit trail are wired to its sessions. What they decide is tested elsewhere. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConfirmChannel } from 'amqplib'
import { connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, startDoor } from '../support/door.ts'
import { until } from '../support/until.ts'

const websocket = { headers: { authorization: basic() } }

async function channelOf(door: Door): Promise<ConfirmChannel> {
  const { connection } = await connectAmqplib(door.url(), { websocket })
  const channel = await connection.createConfirmChannel()
  return channel
}

describe('a service with permissions and stamps', () => {
  it('refuses what nothing grants, and writes it down', async (t) => {
    const door = await startDoor(
      {
        broker: {
          answers: { 'confirm.select': (connection, { channel }) => connection.send(channel, 'confirm.select-ok', {}) },
        },
        service: {
          permissions: [
            { for: { role: 'trader' }, write: [{ exchange: 'orders', routingKey: 'orders.${subject}.#' }] },
          ],
        },
      },
      t,
    )
    const channel = await channelOf(door)
    const failed = new Promise<Error>((resolve) => channel.once('error', resolve))

    channel.publish('orders', 'orders.somebody-else.1', Buffer.from('x'))

    assert.match((await failed).message, /403.*joe\.smith/)
    const refused = await door.line('permission.refused')
    assert.deepEqual(
      {
        level: refused['level'],
        method: refused['method'],
        subject: refused['subject'],
        user: refused['user'],
        service: refused['service'],
      },
      { level: 'audit', method: 'basic.publish', subject: 'joe.smith', user: 'smithj', service: '/amqp' },
    )
    const broker = await door.broker.connection()
    assert.equal(broker.all('basic.publish').length, 0)
    await door.stop()
    assert.equal((await door.line('session.opened'))['vhost'], '/')
    assert.equal((await door.line('session.closed'))['cause'], 'drain')
  })

  it('stamps what it lets through', async (t) => {
    const door = await startDoor(
      {
        broker: {
          answers: { 'confirm.select': (connection, { channel }) => connection.send(channel, 'confirm.select-ok', {}) },
        },
        service: { stamp: { headers: { 'x-gatehouse-user': '${subject} from ${address}' }, appId: 'ui' } },
      },
      t,
    )
    const channel = await channelOf(door)
    channel.publish('orders', 'k', Buffer.from('x'), { headers: { 'X-Gatehouse-User': 'root' } })

    const broker = await door.broker.connection()
    await until(() => broker.received.includes('joe.smith from 127.0.0.1'), 'the stamp')
    assert.equal(broker.received.includes('root'), false)
    await door.stop()
  })

  it('does not let in whose stamp would not fit', async (t) => {
    const door = await startDoor({ service: { stamp: { appId: `${'x'.repeat(240)}\${session}` } } }, t)
    await assert.rejects(
      connectAmqplib(door.url(), { websocket }),
      (error) => error instanceof UpgradeRefused && error.status === 403,
    )
    assert.equal(door.broker.connections.length, 0)
    assert.equal((await door.line('session.refused'))['cause'], 'no-promotion-rule')
    await door.stop()
  })
})
