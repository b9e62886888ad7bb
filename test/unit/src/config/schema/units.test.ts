/** The small values: durations, sizes, names, ranges, paths of keys, and what is nearest to a slip of the fingers. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { nearest, suggestion } from '../../../../../src/config/reading/nearest.ts'
import { formatPath, formatProblems, inFileOrder, parsePath } from '../../../../../src/config/reading/problems.ts'
import { durationMs, isAddressRange, isLoopback, sizeBytes } from '../../../../../src/config/schema/units.ts'

describe('durationMs', () => {
  it('counts milliseconds', () => {
    const read = ['250ms', '30s', '5m', '24h', '2d', '0s'].map(durationMs)
    assert.deepEqual(read, [250, 30_000, 300_000, 86_400_000, 172_800_000, 0])
  })

  it('reads nothing else', () => {
    for (const text of ['', '30', '30 s', '1.5h', '-1s', '30S', '1h30m', 's', '1234567890123s']) {
      assert.equal(durationMs(text), undefined, text)
    }
  })
})

describe('sizeBytes', () => {
  it('counts bytes in powers of 1024', () => {
    assert.deepEqual(['12B', '128KiB', '16MiB', '1GiB'].map(sizeBytes), [12, 131_072, 16_777_216, 1_073_741_824])
  })

  it('reads nothing else', () => {
    for (const text of ['', '12', '128KB', '128kib', '1.5MiB', '-1B', 'MiB'])
      assert.equal(sizeBytes(text), undefined, text)
  })
})

describe('isAddressRange', () => {
  it('knows addresses and ranges of both families', () => {
    for (const text of ['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', 'fd00::/8', '::/128'])
      assert.ok(isAddressRange(text), text)
  })

  it('refuses names, and prefixes that are longer than addresses', () => {
    for (const text of [
      '',
      'localhost',
      '10.0.0.0/33',
      '::/129',
      '10.0.0/8',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '10.0.0.0/+8',
    ]) {
      assert.ok(!isAddressRange(text), text)
    }
  })
})

describe('isLoopback', () => {
  it('is this machine only', () => {
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]']) assert.ok(isLoopback(host), host)
    for (const host of ['0.0.0.0', '::', '127.0.0.1.example.com', 'localhost.example.com'])
      assert.ok(!isLoopback(host), host)
  })
})

describe('nearest', () => {
  it('finds what a slip of the fingers meant', () => {
    const known = ['origins', 'authenticate', 'permissions', 'vhost', 'vhosts']
    assert.equal(nearest('orgins', known), 'origins')
    assert.equal(nearest('autehnticate', known), 'authenticate')
    assert.equal(nearest('Permission', known), 'permissions')
    assert.equal(nearest('vhots', known), 'vhost')
  })

  it('finds nothing for what resembles nothing', () => {
    assert.equal(nearest('wibble', ['origins', 'broker']), undefined)
    assert.equal(nearest('to', ['if', 'as']), undefined)
    assert.equal(nearest('x', []), undefined)
  })

  it('lists what there is where nothing is near, and nothing where there is nothing', () => {
    assert.equal(suggestion('wibble', ['a1b2', 'c3d4']), '; known: a1b2, c3d4')
    assert.equal(suggestion('wibble', []), '')
  })

  it('is bounded for words of any length', () => {
    assert.equal(nearest('x'.repeat(1_000_000), ['origins']), undefined)
  })
})

describe('formatPath', () => {
  it('writes keys, indices and quoted keys', () => {
    assert.equal(
      formatPath(['services', 0, 'promote', 1, 'when', 'a b', 'c.d']),
      'services[0].promote[1].when["a b"]["c.d"]',
    )
    assert.equal(formatPath([]), '')
  })

  it('is read back by parsePath', () => {
    const key = fc.oneof(fc.string({ minLength: 1 }), fc.nat(99_999))
    fc.assert(
      fc.property(fc.array(key, { minLength: 1 }), (path) => {
        assert.deepEqual(parsePath(formatPath(path)), path)
      }),
    )
  })

  it('is not what parsePath reads otherwise', () => {
    for (const text of ['.a', 'a..b', 'a[', 'a[01]', 'a["b]', 'a b', '["a"]'])
      assert.equal(parsePath(text), undefined, text)
  })
})

describe('formatProblems', () => {
  it('gives a place as far as it is known, and counts what it leaves out', () => {
    const problems = Array.from({ length: 53 }, (_, index) => ({
      file: 'a.yaml',
      line: 60 - index,
      column: 2,
      path: 'x',
      message: 'wrong',
    }))
    const lines = formatProblems(inFileOrder(problems)).split('\n')
    assert.equal(lines.length, 51)
    assert.equal(lines[0], 'a.yaml:8:2: x: wrong')
    assert.equal(lines[50], '… and 3 more')
    assert.equal(formatProblems([{ path: '', message: 'wrong' }]), 'wrong')
  })
})
