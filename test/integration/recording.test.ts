/**
 * Whole sessions of real clients, recorded byte by byte (fixtures/transcripts), played to a session: however they are
 * cut, the broker leg carries the same bytes; and behind the opening these are the client's own, untouched.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { Transcript } from '../support/seen-frames.ts'
import { BROKER_PASSWORD, BROKER_USER, Rig } from '../support/session-rig.ts'
import { transcripts } from '../support/transcripts.ts'

async function atBroker(pieces: Iterable<Buffer>): Promise<Buffer> {
  const rig = await Rig.open()
  for (const piece of pieces) rig.write(piece)
  await rig.closed
  const { reason, detail } = await rig.ended
  assert.equal(reason, 'client-closed', detail)
  rig.broker.close()
  return rig.broker.record.bytes
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...[...new Set(places)].sort((a, b) => a - b), bytes.length]
  return sorted.slice(1).map((end, at) => bytes.subarray(sorted[at], end))
}

/** Where the frame after this method begins. */
function behind(bytes: Buffer, name: string): number {
  const { frames } = parsed(bytes)
  const index = frames.findIndex((found) => found.name === name)
  assert.notEqual(index, -1, name)
  const before = frames.slice(0, index + 1)
  return PROTOCOL_HEADER.length + before.reduce((sum, { payload }) => sum + payload.length + 8, 0)
}

function parsed(bytes: Buffer): Transcript {
  const transcript = new Transcript(true)
  transcript.add(bytes)
  return transcript
}

for (const { client, username, password, vhost, bytes } of transcripts()) {
  describe(`a session of ${client}`, () => {
    it('is a whole one: it opens, declares, publishes with confirms, consumes and closes', () => {
      const names = parsed(bytes).names()
      const expected = [
        'connection.open',
        'confirm.select',
        'queue.declare',
        'basic.publish',
        'basic.consume',
        'basic.ack',
      ]
      for (const name of [...expected, 'basic.get', 'queue.delete']) assert.ok(names.includes(name), name)
      assert.equal(names.at(-1), 'connection.close')
    })

    it('reaches the broker as it is, but for the opening, which is all the gateway’s', async () => {
      const sent = await atBroker([bytes])

      const own = bytes.subarray(behind(bytes, 'connection.open'))
      const there = sent.subarray(behind(sent, 'connection.open'))
      const closing = parsed(bytes).frames.at(-1)?.payload.length ?? 0
      const goodbye = parsed(sent).frames.at(-1)
      assert.equal(goodbye?.name, 'connection.close')
      assert.deepEqual(
        there.subarray(0, there.length - (goodbye?.payload.length ?? 0) - 8),
        own.subarray(0, own.length - closing - 8),
      )
      assert.ok(own.length > 9_000)

      assert.deepEqual(parsed(sent).names().slice(0, 3), [
        'connection.start-ok',
        'connection.tune-ok',
        'connection.open',
      ])
      assert.equal(sent.indexOf('AMQP', 1), -1)
      for (const claim of [username, password, vhost]) assert.equal(sent.includes(claim), false, claim)
      for (const granted of [BROKER_USER, BROKER_PASSWORD, '/pinned']) assert.ok(sent.includes(granted), granted)
    })

    it('gives the same bytes byte by byte, cut once anywhere near a frame’s edge, and cut at will', async () => {
      const whole = await atBroker([bytes])
      assert.deepEqual(await atBroker(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))), whole)

      let edge = PROTOCOL_HEADER.length
      for (const { payload } of parsed(bytes).frames) {
        const place = edge + (payload.length % 9) - 1
        assert.deepEqual(await atBroker(cut(bytes, [place])), whole, `cut at ${place}`)
        edge += payload.length + 8
      }
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 60 }), async (places) => {
          assert.deepEqual(await atBroker(cut(bytes, places)), whole)
        }),
        { numRuns: 40 },
      )
    })
  })
}
