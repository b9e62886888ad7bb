import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ContentHeader, encodeContentHeader, rewrite } from '../../proxy/codec/content.ts'
import { FRAME_HEADER, FRAME_METHOD, FRAME_OVERHEAD_BYTES } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import {
  checkMethod,
  decodeMethod,
  encodeMethod,
  indexOf,
  METHOD_IDS_BYTES,
  METHOD_NAMES,
  MethodView,
  methodIndexAt,
} from '../../proxy/codec/method.ts'
import { PROPERTY_NAMES, type Properties, type PropertyName } from '../../proxy/codec/properties.ts'
import { type Arguments, METHODS, type MethodFieldName, type MethodName } from '../../proxy/codec/spec.ts'
import { checkTable, decodeTable, encodeTable } from '../../proxy/codec/table.ts'
import { isUtf8 } from '../../proxy/codec/wire.ts'
import { ConnectionFault } from '../../proxy/faults.ts'
import { bytes, cut, cuts, fieldsOf, method, properties, shortstr, table, wholeFrame } from '../support/arbitraries.ts'

const FRAME_MAX = 16_384

/** The frames of a stream cut like this, as copies; and the invariant that no more is kept than one frame. */
function framesOf(chunks: readonly Buffer[], maxFrameBytes = FRAME_MAX): Buffer[] {
  const reader = new FrameReader(maxFrameBytes)
  const frames: Buffer[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    while (reader.next()) frames.push(Buffer.from(reader.buffer.subarray(reader.frameStart, reader.frameEnd)))
    assert.ok(reader.pendingBytes < maxFrameBytes)
  }
  return frames
}

/** Does with one stream what a gateway does, and decodes whatever passes. */
function takeAll(chunks: readonly Buffer[]): void {
  const reader = new FrameReader(FRAME_MAX)
  const header = new ContentHeader()
  for (const chunk of chunks) {
    reader.push(chunk)
    while (reader.next()) {
      const { buffer, payloadStart, payloadEnd } = reader
      assert.ok(reader.frameEnd - reader.frameStart <= FRAME_MAX)
      if (reader.type === FRAME_METHOD) {
        const index = methodIndexAt(buffer, payloadStart, payloadEnd)
        if (index < 0) continue
        decodeMethod(METHOD_NAMES[index] as MethodName, buffer, payloadStart + METHOD_IDS_BYTES, payloadEnd)
      } else if (reader.type === FRAME_HEADER) {
        header.read(buffer, payloadStart, payloadEnd)
        for (const name of PROPERTY_NAMES) header.property(name)
        const changed = rewrite(header, { removeHeaders: (key) => key.length > 2, set: { userId: 'u' } })
        header.read(changed, 0, changed.length)
      }
    }
    assert.ok(reader.pendingBytes < FRAME_MAX)
  }
}

/** Anything but a fault escapes. */
function onlyFaults(run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof ConnectionFault)) throw error
    assert.match(error.replyText, /^[A-Z_]+ - [\w .-]+$/)
  }
}

describe('methods', () => {
  for (const name of METHOD_NAMES) {
    it(`${name} decodes to what was encoded`, () => {
      fc.assert(
        fc.property(fieldsOf(name), (fields) => {
          const payload = encodeMethod(name, fields as Arguments<MethodName>)
          assert.equal(METHOD_NAMES[methodIndexAt(payload, 0, payload.length)], name)
          assert.deepEqual(decodeMethod(name, payload, METHOD_IDS_BYTES, payload.length), fields)
          const view = new MethodView().set(indexOf(name), 1, payload, METHOD_IDS_BYTES, payload.length)
          for (const field of Object.keys(fields)) assert.deepEqual(view.field(field as MethodFieldName), fields[field])
        }),
        { numRuns: 60 },
      )
    })
  }

  it('are refused when cut or extended anywhere', () => {
    fc.assert(
      fc.property(method, bytes, fc.nat(), ({ name, fields }, extra, at) => {
        const payload = encodeMethod(name, fields)
        const index = indexOf(name)
        const argumentBytes = payload.length - METHOD_IDS_BYTES
        if (argumentBytes > 0) {
          const end = METHOD_IDS_BYTES + (at % argumentBytes)
          assert.throws(() => checkMethod(index, payload, METHOD_IDS_BYTES, end), ConnectionFault)
        }
        if (extra.length > 0) {
          const longer = Buffer.concat([payload, extra])
          assert.throws(() => checkMethod(index, longer, METHOD_IDS_BYTES, longer.length), ConnectionFault)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('C12 mean one thing only: what passes a change of octets is what is encoded again', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(method, fc.array(change, { minLength: 1, maxLength: 3 }), ({ name, fields }, changes) => {
        const payload = encodeMethod(name, fields)
        if (payload.length === METHOD_IDS_BYTES) return
        for (const [at, octet] of changes) {
          payload[METHOD_IDS_BYTES + (at % (payload.length - METHOD_IDS_BYTES))] = octet
        }
        onlyFaults(() => {
          const decoded = decodeMethod(name, payload, METHOD_IDS_BYTES, payload.length)
          const again = encodeMethod(name, decoded as Arguments<MethodName>)
          assert.equal(again.length, payload.length)
          assert.deepEqual(decodeMethod(name, again, METHOD_IDS_BYTES, again.length), decoded)
          // A true inside a table may be any octet but zero; nothing else is legal in more than one encoding.
          const hasTable = Object.values(METHODS[name].fields).includes('table')
          if (!hasTable) assert.deepEqual(again, payload)
        })
      }),
      { numRuns: 3000 },
    )
  })
})

describe('tables', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(table, (entries) => {
        const encoded = encodeTable(entries)
        const inside = Buffer.concat([Buffer.from('xyz'), encoded, Buffer.from('z')])
        assert.equal(checkTable(inside, 3, inside.length), inside.length - 1)
        assert.deepEqual(decodeTable(inside, 3, inside.length), entries)
      }),
      { numRuns: 1000 },
    )
  })

  it('are refused when cut anywhere', () => {
    fc.assert(
      fc.property(table, fc.nat(), (entries, at) => {
        const encoded = encodeTable(entries)
        assert.throws(() => checkTable(encoded, 0, at % encoded.length), ConnectionFault)
      }),
      { numRuns: 1000 },
    )
  })

  it('C14 never run over their end, whatever the octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 200 }), (array, length) => {
        const buffer = Buffer.concat([Buffer.from([0, 0, 0, length]), array])
        onlyFaults(() => {
          assert.equal(checkTable(buffer, 0, buffer.length), 4 + length)
          decodeTable(buffer, 0, buffer.length)
        })
      }),
      { numRuns: 3000 },
    )
  })
})

describe('strings', () => {
  it('are UTF-8 exactly when a strict decoder takes them', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const mixed = fc
      .tuple(shortstr, bytes, shortstr)
      .map(([a, b, c]) => Buffer.concat([Buffer.from(a), b.subarray(0, 4), Buffer.from(c)]))
    fc.assert(
      fc.property(mixed, (buffer) => {
        let accepted = true
        try {
          strict.decode(buffer)
        } catch {
          accepted = false
        }
        assert.equal(isUtf8(buffer, 0, buffer.length), accepted)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('content headers', () => {
  const anySize = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

  function read(payload: Buffer): Properties {
    const header = new ContentHeader().read(payload, 0, payload.length)
    return Object.fromEntries(
      PROPERTY_NAMES.filter((name) => header.has(name)).map((name) => [name, header.property(name)]),
    )
  }

  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(anySize, properties, (bodySize, given) => {
        const payload = encodeContentHeader({ bodySize, properties: given })
        assert.deepEqual(read(payload), given)
        assert.equal(new ContentHeader().read(payload, 0, payload.length).bodySize, bodySize)
      }),
      { numRuns: 1000 },
    )
  })

  it('are refused when cut or extended anywhere', () => {
    fc.assert(
      fc.property(properties, bytes, fc.nat(), (given, extra, at) => {
        const payload = encodeContentHeader({ bodySize: 1n, properties: given })
        assert.throws(() => new ContentHeader().read(payload, 0, at % payload.length), ConnectionFault)
        const longer = Buffer.concat([payload, extra, Buffer.alloc(1)])
        assert.throws(() => new ContentHeader().read(longer, 0, longer.length), ConnectionFault)
      }),
      { numRuns: 1000 },
    )
  })

  it('rewritten, are as if they had been made so', () => {
    const removed = fc.uniqueArray(fc.constantFrom(...PROPERTY_NAMES))
    fc.assert(
      fc.property(properties, properties, removed, table, (given, { headers: _, ...set }, remove, addHeaders) => {
        const payload = encodeContentHeader({ bodySize: 9n, properties: given })
        const removeHeaders = (key: string): boolean => key.length % 2 === 0
        const changes = { set, remove, removeHeaders, addHeaders }
        const changed = rewrite(new ContentHeader().read(payload, 0, payload.length), changes)
        const model = new Map<PropertyName, unknown>(Object.entries(given) as [PropertyName, unknown][])
        for (const name of remove) model.delete(name)
        for (const [name, value] of Object.entries(set)) model.set(name as PropertyName, value)
        const kept = (remove.includes('headers') ? undefined : given.headers)?.filter(({ key }) => !removeHeaders(key))
        if (kept !== undefined || addHeaders.length > 0) model.set('headers', [...(kept ?? []), ...addHeaders])
        assert.deepEqual(read(changed), Object.fromEntries(model))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('FrameReader', () => {
  const stream = fc.array(wholeFrame, { minLength: 1, maxLength: 8 })

  it('C20 yields the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(stream, cuts, (frames, at) => {
        assert.deepEqual(framesOf(cut(Buffer.concat(frames), at)), frames)
      }),
      { numRuns: 1500 },
    )
  })

  it('yields the same frames octet by octet, and pushed all at once before reading', () => {
    fc.assert(
      fc.property(stream, (frames) => {
        const whole = Buffer.concat(frames)
        const octets = Array.from(whole, (octet) => Buffer.from([octet]))
        assert.deepEqual(framesOf(octets), frames)
        const reader = new FrameReader(FRAME_MAX)
        for (const octet of octets) reader.push(octet)
        for (const frame of frames) {
          assert.ok(reader.next())
          assert.deepEqual(reader.buffer.subarray(reader.frameStart, reader.frameEnd), frame)
        }
        assert.ok(!reader.next())
      }),
      { numRuns: 60 },
    )
  })

  it('faults at the same frame however the stream is cut', () => {
    fc.assert(
      fc.property(stream, cuts, fc.nat(), fc.integer({ min: 1, max: 255 }), (frames, at, place, change) => {
        const whole = Buffer.concat(frames)
        const flipped = place % whole.length
        whole[flipped] = (whole[flipped] as number) ^ change
        const outcome = (chunks: readonly Buffer[]): [number, string | undefined] => {
          const reader = new FrameReader(FRAME_MAX)
          let count = 0
          try {
            for (const chunk of chunks) {
              reader.push(chunk)
              while (reader.next()) count += 1
            }
            return [count, undefined]
          } catch (error) {
            assert.ok(error instanceof ConnectionFault)
            return [count, error.replyText]
          }
        }
        assert.deepEqual(outcome(cut(whole, at)), outcome([whole]))
      }),
      { numRuns: 1000 },
    )
  })

  it('keeps less than one frame of the largest size, whatever arrives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), cuts, (array, at) => {
        onlyFaults(() => void framesOf(cut(Buffer.from(array), at), FRAME_OVERHEAD_BYTES + 8))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the codec as a whole', () => {
  it('answers any bytes with frames or a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), cuts, (array, at) => {
        onlyFaults(() => takeAll(cut(Buffer.from(array), at)))
      }),
      { numRuns: 2000 },
    )
  })

  it('answers any bytes inside sound frames with values or a fault', () => {
    const damaged = fc.tuple(
      fc.array(wholeFrame, { maxLength: 4 }),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }),
    )
    fc.assert(
      fc.property(damaged, cuts, ([frames, changes], at) => {
        for (const [place, octet] of changes) {
          const frame = frames[place % Math.max(frames.length, 1)]
          // Behind the seven octets of the frame's own, before its end: only the payload is damaged.
          if (frame !== undefined && frame.length > 8) frame[7 + (place % (frame.length - 8))] = octet
        }
        onlyFaults(() => takeAll(cut(Buffer.concat(frames), at)))
      }),
      { numRuns: 3000 },
    )
  })
})
