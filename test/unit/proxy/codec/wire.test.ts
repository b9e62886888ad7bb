import assert from 'node:assert/strict'
import { isUtf8 as nodeIsUtf8 } from 'node:buffer'
import { describe, it } from 'node:test'
import {
  FLAW,
  flawFault,
  isUtf8,
  LONGLONG,
  LONGSTR,
  OCTET,
  SHORTSTR,
  scanLongstr,
  scanShortstr,
} from '../../../../proxy/codec/wire.ts'

describe('isUtf8', () => {
  function same(...bytes: number[]): void {
    const buffer = Buffer.from(bytes)
    assert.equal(isUtf8(buffer, 0, buffer.length), nodeIsUtf8(buffer), buffer.toString('hex'))
  }

  it('judges every string of one and two bytes as Node does', () => {
    for (let first = 0; first < 256; first += 1) {
      same(first)
      for (let second = 0; second < 256; second += 1) same(first, second)
    }
  })

  it('judges longer strings as Node does, at every border', () => {
    const borders = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xff]
    for (let lead = 0xc0; lead < 256; lead += 1) {
      for (const second of borders) {
        for (const third of borders) {
          same(lead, second, third)
          same(0x61, lead, second, third, 0x61)
          for (const fourth of borders) same(lead, second, third, fourth)
        }
      }
    }
  })

  it('looks at nothing but the range it was given', () => {
    const buffer = Buffer.from([0xff, 0x61, 0xc3, 0xa4, 0xff])
    assert.ok(isUtf8(buffer, 1, 4))
    assert.ok(!isUtf8(buffer, 1, 3), 'a sequence that goes on behind the end is unfinished')
    assert.ok(isUtf8(buffer, 2, 2))
  })
})

describe('scanning', () => {
  it('passes short strings to their last byte and not beyond', () => {
    const buffer = Buffer.from('\u0003abc')
    assert.equal(scanShortstr(buffer, 0, 4), 4)
    assert.equal(scanShortstr(buffer, 0, 3), FLAW.short)
    assert.equal(scanShortstr(buffer, 4, 4), FLAW.short)
  })

  it('passes long strings of any bytes, with their length unsigned', () => {
    const buffer = Buffer.from([0, 0, 0, 2, 0xff, 0xfe])
    assert.equal(scanLongstr(buffer, 0, 6), 6)
    assert.equal(scanLongstr(buffer, 0, 5), FLAW.short)
    assert.equal(scanLongstr(buffer, 3, 6), FLAW.short)
    assert.equal(scanLongstr(Buffer.from([0xff, 0xff, 0xff, 0xff, 0]), 0, 5), FLAW.short)
  })
})

describe('writing', () => {
  it('A27 C17 refuses a short string above 255 bytes, counted in UTF-8', () => {
    assert.equal(SHORTSTR.size('a'.repeat(255)), 256)
    assert.throws(() => SHORTSTR.size('a'.repeat(256)), RangeError)
    assert.throws(() => SHORTSTR.size('ä'.repeat(128)), RangeError)
  })

  it('refuses half a surrogate pair instead of writing U+FFFD', () => {
    assert.equal(SHORTSTR.size('😀'), 5)
    assert.throws(() => SHORTSTR.size('\ud83d'), RangeError)
    assert.throws(() => SHORTSTR.size('a\ude00'), RangeError)
  })

  it('refuses numbers that do not fit', () => {
    for (const value of [-1, 256, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => OCTET.size(value), RangeError, String(value))
    }
    assert.throws(() => LONGLONG.size(-1n), RangeError)
    assert.throws(() => LONGLONG.size(2n ** 64n), RangeError)
    assert.equal(LONGLONG.size(2n ** 64n - 1n), 8)
  })

  it('writes strings behind their length', () => {
    const buffer = Buffer.alloc(9)
    assert.equal(SHORTSTR.write(buffer, 0, 'ä'), 3)
    assert.equal(LONGSTR.write(buffer, 3, Buffer.from([7, 8])), 9)
    assert.equal(buffer.toString('hex'), '02c3a4000000020708')
    assert.equal(SHORTSTR.read(buffer, 0), 'ä')
    const read = LONGSTR.read(buffer, 3)
    assert.equal(read.buffer, buffer.buffer, 'a long string is a view')
    assert.deepEqual([...read], [7, 8])
  })
})

describe('flawFault', () => {
  it('is a frame error for lengths and a syntax error for values', () => {
    assert.equal(flawFault(FLAW.short, 'x').replyCode, 501)
    assert.equal(flawFault(FLAW.long, 'x').replyCode, 501)
    assert.equal(flawFault(FLAW.utf8, 'x').replyText, 'SYNTAX_ERROR - x is not valid UTF-8')
    assert.equal(flawFault(FLAW.depth, 'x', { classId: 50, methodId: 10 }).caused.classId, 50)
  })
})
