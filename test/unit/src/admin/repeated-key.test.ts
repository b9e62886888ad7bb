import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { repeatedKey } from '../../../../src/admin/repeated-key.ts'

describe('repeatedKey', () => {
  it('finds a key that stands twice in one object, however it is written', () => {
    for (const [json, key] of [
      ['{"a":1,"a":2}', 'a'],
      ['{"a":1,"\\u0061" : 2}', 'a'],
      ['{"x":{"match":{},"y":[{"b":1},{"c":1,"c":1}]}}', 'c'],
      ['{"":1,"":2}', ''],
      ['{"__proto__":1,"__proto__":2}', '__proto__'],
      ['{"a\\"b":1,"a\\"b":2}', 'a"b'],
    ] as const)
      assert.equal(repeatedKey(json), key, json)
  })

  it('finds none where equal texts are values, or keys of several objects', () => {
    for (const json of [
      '{"a":"a","b":"a","c":["a","a"]}',
      '[{"a":1},{"a":2},{"b":{"a":1},"a":2}]',
      '{"a":"{\\"b\\":1,\\"b\\":2}"}',
      '{"a":"\\\\","b":"]}","c":1}',
      '"a"',
      'null',
    ])
      assert.equal(repeatedKey(json), undefined, json)
  })

  it('takes no longer for a text that is made to be slow', () => {
    const nested = `${'{"a":['.repeat(5_000)}${']}'.repeat(5_000)}`
    const escaped = `{"a":"${'\\\\'.repeat(30_000)}"}`
    const spaced = `["a"${' '.repeat(60_000)}]`
    const startedMs = performance.now()
    for (const json of [nested, escaped, spaced]) assert.equal(repeatedKey(json), undefined)
    assert.ok(performance.now() - startedMs < 2_000)
  })
})
