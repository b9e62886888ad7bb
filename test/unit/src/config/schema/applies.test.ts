/** What a reload does with each key: said of all of them, and kept where it says `restart`. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { staticChanges } from '../../../../../src/config/checks/static-places.ts'
import { parseConfig } from '../../../../../src/config/reading/load.ts'
import { appliesTo, STATIC_PLACES } from '../../../../../src/config/schema/applies.ts'
import { configReference } from '../../../../../src/config/schema/reference.ts'
import { minimalConfig } from '../../../../support/config-files.ts'

describe('appliesTo', () => {
  it('has an answer for every key of the reference', () => {
    const rows = configReference()
      .split('\n')
      .filter((line) => /^\| `/.test(line))
      .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    assert.ok(rows.length > 150, `${rows.length}`)
    for (const [, key, , , applies, meaning] of rows) {
      if (/See `[^`]+`\.$/.test(meaning ?? '')) continue
      assert.match(applies ?? '', /^(?:live sessions|new sessions|restart)$/, key)
    }
  })

  it('goes by the longest beginning', () => {
    assert.equal(appliesTo('admin.port'), 'restart')
    assert.equal(appliesTo('admin.origins'), 'new sessions')
    assert.equal(appliesTo('services[].limits.message'), 'live sessions')
    assert.equal(appliesTo('services[].limits.ping'), 'new sessions')
    assert.equal(appliesTo('services[].permissions'), 'live sessions')
    assert.equal(appliesTo('brokers.NAME.urls'), 'live sessions')
    assert.equal(appliesTo('nothing'), undefined)
  })
})

describe('staticChanges', () => {
  const config = (admin?: object) => parseConfig({ ...minimalConfig(), ...(admin && { admin }) }).config

  it('are what differs of the keys that need a restart', () => {
    assert.deepEqual(STATIC_PLACES, [['admin', 'host'], ['admin', 'port'], ['blocks'], ['state'], ['workers']])
    const present = config({ port: 9_000 })
    assert.deepEqual(staticChanges(present, config({ port: 9_000, hosts: ['a.example.com'] })), [])
    const moved = staticChanges(present, config({ port: 9_001 }))
    assert.deepEqual(moved, [{ path: ['admin', 'port'], at: 'value', message: 'a change needs a restart' }])
    assert.equal(staticChanges(present, config()).length, 2)
  })
})
