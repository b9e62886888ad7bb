/** What the broker is asked before a session under somebody's own user-id begins, and what becomes of each answer. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ContentHeader } from '../../../../../proxy/codec/content.ts'
import { FRAME_HEADER } from '../../../../../proxy/codec/frame.ts'
import { type Filter, stampFilter } from '../../../../../proxy/index.ts'
import { AuditLog } from '../../../../support/filter-session.ts'
import { BROKER_USER, type BrokerScript, type FakeBroker, Rig } from '../../../../support/session-rig.ts'

const stampedAs = (userId: string): readonly Filter[] => [stampFilter({ userId, headers: [] }, new AuditLog())]
const filters = stampedAs('joe.smith')

/** A broker that answers the question by closing the channel. */
function closing(replyCode: number, replyText: string): BrokerScript {
  const close = (broker: FakeBroker): void =>
    broker.send('channel.close', { replyCode, replyText, classId: 60, methodId: 40 }, 1)
  return {
    on: ({ name }, broker) => {
      if (name === 'basic.publish') close(broker)
      return name === 'basic.publish'
    },
  }
}

describe('a session whose messages carry another user-id than the broker user’s', () => {
  it('B20 is asked for at the broker on a channel that is free again afterwards', async () => {
    const rig = await Rig.relaying({ filters }, 1)

    const names = rig.broker.record.names()
    const header = await rig.broker.record.frame(FRAME_HEADER)

    assert.deepEqual(names.slice(names.indexOf('connection.open')), [
      'connection.open',
      'channel.open',
      'basic.publish',
      'frame 2',
      'channel.close',
      'channel.open',
    ])
    const asked = new ContentHeader().read(header.payload, 0, header.payload.length)
    assert.equal(asked.property('userId'), 'joe.smith')
    assert.equal(asked.bodySize, 0n)
    assert.deepEqual(
      rig.client.frames.filter(({ channel }) => channel === 1).map(({ name }) => name),
      ['channel.open-ok'],
    )
    await rig.stop()
  })

  it('B20 is not opened where the broker says 406', async () => {
    const rig = await Rig.open({
      filters,
      script: closing(
        406,
        "PRECONDITION_FAILED - user_id property set to 'joe.smith' but authenticated user was 'smithj'",
      ),
    })
    await rig.askToOpen()

    const close = await rig.client.method('connection.close')
    rig.send('connection.close-ok', {})

    assert.equal(close.fields.replyCode, 403)
    assert.doesNotMatch(close.fields.replyText, /smithj|user_id/)
    assert.equal((await rig.closed).code, 1011)
    const { reason, failure, detail } = await rig.ended
    assert.deepEqual([reason, failure], ['broker-refused', 'impersonator-missing'])
    assert.match(detail, /^406 PRECONDITION_FAILED/)
    await rig.broker.record.method('connection.close')
    rig.broker.close()
  })

  it('goes on where the broker user may not even ask, and keeps the channel’s end in order', async () => {
    const rig = await Rig.relaying({ filters, script: closing(403, 'ACCESS_REFUSED - amq.default') }, 1)

    const names = rig.broker.record.names()

    assert.deepEqual(names.slice(-3), ['channel.close', 'channel.close-ok', 'channel.open'])
    await rig.stop()
  })

  it('waits for a broker under an alarm', async () => {
    const rig = await Rig.open({
      filters,
      script: {
        on: ({ name }, broker) => {
          if (name !== 'basic.publish') return false
          broker.send('connection.blocked', { reason: 'low on memory' })
          broker.send('connection.unblocked', {})
          return true
        },
      },
    })

    await rig.handshake()

    assert.ok(!rig.client.names().includes('connection.blocked'))
    await rig.stop()
  })

  it('is ended by a broker that answers something else', async () => {
    const rig = await Rig.open({
      filters,
      script: {
        on: ({ name }, broker) => {
          if (name === 'basic.publish') broker.send('basic.ack', { deliveryTag: 1n, multiple: false }, 1)
          return name === 'channel.close'
        },
      },
    })
    await rig.askToOpen()

    await rig.client.method('connection.close')
    rig.send('connection.close-ok', {})

    assert.equal((await rig.ended).reason, 'broker-fault')
    rig.broker.close()
  })

  for (const [what, userId] of [
    ['the broker user’s', BROKER_USER],
    ['removed', ''],
  ] as const) {
    it(`asks nothing where the user-id is ${what}`, async () => {
      const rig = await Rig.relaying({ filters: stampedAs(userId) })

      assert.ok(!rig.broker.record.names().includes('basic.publish'))
      await rig.stop()
    })
  }
})
