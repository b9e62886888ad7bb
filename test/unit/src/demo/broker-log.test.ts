import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BrokerLog } from '../../../../src/demo/broker-log.ts'

describe('BrokerLog', () => {
  it('finds a line that comes in two pieces, colours left out', async () => {
    const log = new BrokerLog()
    log.expect(/startup complete/)

    log.add('Server \u001b[1mstart')
    log.add('up com\u001b[0mplete')

    assert.equal(await log.expected(1_000), true)
    assert.equal(log.text, 'Server startup complete')
  })

  it('does not find what came before it was told to look', async () => {
    const log = new BrokerLog()
    log.add('startup complete')
    log.expect(/startup complete/)

    log.end()

    assert.equal(await log.expected(1_000), false)
  })

  it('gives up at the deadline', async () => {
    const log = new BrokerLog()
    log.expect(/never/)

    assert.equal(await log.expected(1), false)
  })

  it('keeps the end only', () => {
    const log = new BrokerLog()

    for (let i = 0; i < 40; i++) log.add('x'.repeat(10_000))
    log.add('last')

    assert.equal(log.text.length, 256 * 1024)
    assert.ok(log.text.endsWith('xlast'))
  })
})
