import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { topicPattern } from '../../../../auth/policy/topic.ts'

describe('topicPattern', () => {
  const matching: readonly (readonly [pattern: string, key: string, expected: boolean])[] = [
    ['quotes.#', 'quotes', true],
    ['quotes.#', 'quotes.eu.dax', true],
    ['quotes.#', 'quotesx', false],
    ['quotes.*', 'quotes', false],
    ['quotes.*', 'quotes.', true],
    ['#', '', true],
    ['*', '', false],
    ['', '', true],
    ['', 'a', false],
    ['.#', '', false],
    ['.#', '.', true],
    ['#.eu', 'eu', true],
    ['#.eu', 'a.eu.eu', true],
    ['#.eu', 'a.eu.x', false],
    ['a.*.#.c', 'a.b.c', true],
    ['a.*.#.c', 'a.c', false],
    ['a*', 'ab', false],
    ['a*', 'a*', true],
  ]
  for (const [pattern, key, expected] of matching) {
    it(`"${pattern}" ${expected ? 'matches' : 'does not match'} "${key}"`, () => {
      assert.equal(topicPattern(pattern).matches(key), expected)
    })
  }

  const containing: readonly (readonly [rule: string, binding: string, expected: boolean])[] = [
    ['orders.joe.#', 'orders.joe.#', true],
    ['orders.joe.#', 'orders.joe.new', true],
    ['orders.joe.#', '#', false],
    ['orders.joe.*', '*.joe.#', false],
    ['*.b', '#.b', false],
    ['*.#', '#.*', true],
    ['#', '#.#', true],
    ['#.*', '#', false],
    ['a.#.b', 'a.*.b', true],
    ['a.*.b', 'a.#.b', false],
    ['*', '*', true],
    ['', '', true],
    ['', '#', false],
  ]
  for (const [rule, binding, expected] of containing) {
    it(`D15 B6 "${rule}" ${expected ? 'contains' : 'does not contain'} "${binding}"`, () => {
      assert.equal(topicPattern(rule).contains(binding), expected)
    })
  }

  it('refuses patterns of more words than any key has', () => {
    assert.throws(() => topicPattern(new Array(129).fill('a').join('.')), RangeError)
  })

  it('decides the dearest questions in a moment', () => {
    const rule = topicPattern(`#.a.${new Array(100).fill('*').join('.')}.b.#`)
    const binding = `#.a.#.${new Array(120).fill('*').join('.')}`

    const before = process.hrtime.bigint()
    assert.equal(rule.contains(binding), false)
    assert.equal(rule.matches(new Array(128).fill('a').join('.')), false)
    const tookMs = Number(process.hrtime.bigint() - before) / 1e6

    assert.ok(tookMs < 500, `took ${tookMs} ms`)
  })
})
