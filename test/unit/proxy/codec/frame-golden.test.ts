import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ContentHeader, contentHeaderFrame, encodeContentHeader } from '../../../../proxy/codec/content.ts'
import {
  FRAME_BODY,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  PROTOCOL_HEADER,
} from '../../../../proxy/codec/frame.ts'
import { FrameReader } from '../../../../proxy/codec/frame-reader.ts'
import {
  checkMethod,
  decodeMethod,
  METHOD_IDS_BYTES,
  METHOD_NAMES,
  methodFrame,
  methodIndexAt,
} from '../../../../proxy/codec/method.ts'
import type { Properties } from '../../../../proxy/codec/properties.ts'
import type { Arguments, MethodName } from '../../../../proxy/codec/spec.ts'
import { ConnectionFault } from '../../../../proxy/faults.ts'
import { fromNotation, goldenFrames } from '../../../support/golden.ts'

const TYPES = { method: FRAME_METHOD, header: FRAME_HEADER, body: FRAME_BODY, heartbeat: FRAME_HEARTBEAT }

/** Reads and checks one whole frame as the gateway would. */
function take(bytes: Buffer): FrameReader {
  const reader = new FrameReader(4096)
  reader.push(bytes)
  assert.ok(reader.next(), 'a whole frame')
  const { type, buffer, payloadStart, payloadEnd } = reader
  if (type === FRAME_METHOD) {
    checkMethod(methodIndexAt(buffer, payloadStart, payloadEnd), buffer, payloadStart + METHOD_IDS_BYTES, payloadEnd)
  }
  if (type === FRAME_HEADER) new ContentHeader().read(buffer, payloadStart, payloadEnd)
  return reader
}

describe('golden frames', () => {
  for (const { name, bytes, says } of goldenFrames('')) {
    it(`${name} means what it says`, () => {
      if (says.header) {
        assert.deepEqual(bytes, PROTOCOL_HEADER)
        return
      }
      const reader = take(bytes)
      const { buffer, payloadStart, payloadEnd } = reader
      assert.equal(reader.type, TYPES[says.frame as keyof typeof TYPES])
      assert.equal(reader.channel, says.channel)
      if (says.method !== undefined) {
        const method = METHOD_NAMES[methodIndexAt(buffer, payloadStart, payloadEnd)] as MethodName
        assert.equal(method, says.method)
        const fields = fromNotation(says.fields)
        assert.deepEqual(decodeMethod(method, buffer, payloadStart + METHOD_IDS_BYTES, payloadEnd), fields)
        assert.deepEqual(methodFrame(reader.channel, method, fields as Arguments<MethodName>), bytes)
      }
      if (says.properties !== undefined) {
        const header = new ContentHeader().read(buffer, payloadStart, payloadEnd)
        const properties = fromNotation(says.properties) as Properties
        const bodySize = BigInt(says.bodySize ?? '')
        assert.equal(header.bodySize, bodySize)
        for (const [property, value] of Object.entries(properties)) {
          assert.deepEqual(header.property(property as keyof Properties), value)
        }
        assert.deepEqual(contentHeaderFrame(reader.channel, encodeContentHeader({ bodySize, properties })), bytes)
      }
    })
  }
})

describe('golden frames to be refused', () => {
  for (const { name, bytes, says } of goldenFrames('refused/')) {
    it(`${name} is a ${says.fault}`, () => {
      assert.throws(
        () => take(bytes),
        (error) => error instanceof ConnectionFault && error.code === says.fault,
      )
    })
  }
})
