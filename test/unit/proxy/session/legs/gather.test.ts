/** What is gathered leaves in order and whole: large runs as they lie there, small neighbours as one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Gather } from '../../../../../proxy/session/legs/gather.ts'

const LARGE = 4096

describe('Gather', () => {
  it('hands on what lies together in a chunk as a view of it', () => {
    const gather = new Gather()
    const chunk = Buffer.alloc(3 * LARGE, 1)
    gather.take(chunk, 10, 20)
    gather.take(chunk, 20, 2 * LARGE)
    const parts = gather.drain()
    assert.deepEqual(
      parts.map(({ buffer, byteOffset, length }) => [buffer === chunk.buffer, byteOffset - chunk.byteOffset, length]),
      [[true, 10, 2 * LARGE - 10]],
    )
  })

  it('hands on a whole chunk itself', () => {
    const gather = new Gather()
    const chunk = Buffer.from('whole')
    gather.add(chunk)
    assert.equal(gather.drain()[0], chunk)
  })

  it('puts small neighbours together and leaves large ones alone', () => {
    const gather = new Gather()
    const [large, other] = [Buffer.alloc(LARGE, 'L'), Buffer.alloc(LARGE, 'O')]
    for (const small of ['a', 'b']) gather.add(Buffer.from(small))
    gather.add(large)
    gather.add(Buffer.from('c'))
    gather.add(other)
    for (const small of ['d', 'e', 'f']) gather.add(Buffer.from(small))
    const parts = gather.drain()
    assert.deepEqual(
      parts.map((part) => (part.length < LARGE ? part.toString() : part === large || part === other)),
      ['ab', true, 'c', true, 'def'],
    )
  })

  it('is empty once it was drained', () => {
    const gather = new Gather()
    gather.add(Buffer.from('once'))
    gather.drain()
    assert.equal(gather.bytes, 0)
    assert.deepEqual(gather.drain(), [])
  })

  it('keeps every byte and their order, whatever is taken from where', () => {
    const run = fc.record({ chunk: fc.nat(2), start: fc.nat(5000), length: fc.integer({ min: 1, max: 5000 }) })
    const chunks = [0, 1, 2].map((seed) =>
      Buffer.from(Array.from({ length: 10_000 }, (_, at) => (at * 7 + seed) % 256)),
    )
    fc.assert(
      fc.property(fc.array(run, { maxLength: 30 }), (runs) => {
        const gather = new Gather()
        const expected = runs.map(
          ({ chunk, start, length }) => chunks[chunk]?.subarray(start, start + length) as Buffer,
        )
        for (const { chunk, start, length } of runs) gather.take(chunks[chunk] as Buffer, start, start + length)
        assert.equal(gather.bytes, Buffer.concat(expected).length)
        assert.ok(Buffer.concat(gather.drain()).equals(Buffer.concat(expected)))
      }),
    )
  })
})
