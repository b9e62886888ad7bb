import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentHeaderFrame, encodeContentHeader } from '../../../../../proxy/codec/content.ts'
import { FRAME_HEADER } from '../../../../../proxy/codec/frame.ts'
import { methodFrame } from '../../../../../proxy/codec/method.ts'
import { BROKER_USER, Rig } from '../../../../support/session-rig.ts'

const CAUSE = { classId: 50, methodId: 10 }

/** The frame with this octet in place of the first one of `text`. */
function spoilt(frame: Buffer, text: string, octet: number): Buffer {
  const copy = Buffer.from(frame)
  copy[copy.indexOf(text)] = octet
  return copy
}

// RabbitMQ lets publishers have any routing key, and cuts long reply texts between two bytes of one character.
describe('strings of the broker’s that are not UTF-8', () => {
  it('in a delivery reach the client as the bytes they are', async () => {
    const rig = await Rig.relaying({}, 1)
    const fields = { consumerTag: 'c', deliveryTag: 1n, redelivered: false, exchange: 'e', routingKey: 'Xkey' }
    const deliver = spoilt(methodFrame(1, 'basic.deliver', fields), 'Xkey', 0xff)

    rig.broker.write(Buffer.concat([deliver, contentHeaderFrame(1, encodeContentHeader({ bodySize: 0 }))]))

    await rig.client.frame(FRAME_HEADER)
    assert.ok(rig.client.bytes.includes(deliver))
    await rig.stop()
  })

  it('in a channel.close end the channel, not the session', async () => {
    const rig = await Rig.relaying({}, 1)
    const replyText = "NOT_FOUND - no queue 'X".padEnd(255, 'q')
    const close = methodFrame(1, 'channel.close', { replyCode: 404, replyText, ...CAUSE })
    rig.broker.write(spoilt(close, 'X', 0xc3))

    const { fields } = await rig.client.method('channel.close')
    assert.equal(fields.replyCode, 404)
    assert.match(fields.replyText, /^NOT_FOUND - no queue '/)
    assert.ok(Buffer.byteLength(fields.replyText) <= 255)
    await rig.stop()
  })

  it('in a connection.close keep its code', async () => {
    const rig = await Rig.relaying()
    const close = methodFrame(0, 'connection.close', { replyCode: 530, replyText: 'NOT_ALLOWED - X', ...CAUSE })

    rig.broker.write(spoilt(close, 'X', 0xc3))

    assert.equal((await rig.client.method('connection.close')).fields.replyCode, 530)
    rig.send('connection.close-ok', {})
    assert.equal((await rig.ended).reason, 'broker-closed')
    rig.broker.close()
  })
})

describe('a reply text that grows with the subject’s name', () => {
  it('is cut to what a short string takes', async () => {
    const rig = await Rig.relaying({}, 1)
    const text = `ACCESS_REFUSED - access to queue '${'q'.repeat(190)}' refused for user '${BROKER_USER}'`
    const replyText = text.padEnd(255, '.')

    rig.broker.send('channel.close', { replyCode: 403, replyText, ...CAUSE }, 1)

    const { fields } = await rig.client.method('channel.close')
    assert.match(fields.replyText, /refused for user 'joe\.smith'/)
    assert.equal(Buffer.byteLength(fields.replyText), 255)
    await rig.stop()
  })
})
