/** The path before all others: what arrives, what browsers see, what people read who got it wrong. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BasePath } from '../../../../src/http/base-path.ts'

describe('BasePath', () => {
  it('changes nothing where there is none', () => {
    const none = new BasePath({})
    assert.equal(none.within('/amqp'), '/amqp')
    assert.equal(none.within(''), '')
    assert.equal(none.forBrowsers('/amqp'), '/amqp')
    assert.equal(none.atListener('/amqp'), '/amqp')
    assert.equal(none.advice('/nothing'), '')
  })

  it('is taken away from requests that begin with it, byte for byte', () => {
    const gate = new BasePath({ basePath: '/gate' })
    assert.equal(gate.within('/gate/amqp'), '/amqp')
    assert.equal(gate.within('/gate/'), '/')
    for (const path of [
      '/amqp',
      '/gate',
      '/gateway/amqp',
      '/Gate/amqp',
      '/%67ate/amqp',
      '//gate/amqp',
      '/x/gate/amqp',
      '',
    ])
      assert.equal(gate.within(path), undefined, path)
    assert.equal(gate.within('/gate/../amqp'), '/../amqp')
    assert.equal(gate.forBrowsers('/amqp'), '/gate/amqp')
    assert.equal(gate.atListener('/amqp'), '/gate/amqp')
  })

  it('does not arrive where the proxy takes it away', () => {
    const gate = new BasePath({ basePath: '/gate', basePathStripped: true })
    assert.equal(gate.within('/amqp'), '/amqp')
    assert.equal(gate.within('/gate/amqp'), '/gate/amqp')
    assert.equal(gate.forBrowsers('/amqp'), '/gate/amqp')
    assert.equal(gate.atListener('/amqp'), '/amqp')
  })

  it('says what a path that leads nowhere should have looked like', () => {
    const passed = new BasePath({ basePath: '/gate' })
    assert.equal(passed.advice('/amqp'), ': every path begins with /gate here')
    assert.equal(passed.advice('/gate/nothing'), '')
    const stripped = new BasePath({ basePath: '/gate', basePathStripped: true })
    assert.equal(stripped.advice('/gate/amqp'), ': expected the proxy in front to take /gate away')
    assert.equal(stripped.advice('/nothing'), '')
  })
})
