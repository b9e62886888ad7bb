import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AuditEvent } from '../../../../proxy/index.ts'
import { AuditTrail } from '../../../../src/ops/audit.ts'
import { Log } from '../../../../src/ops/log.ts'

const EVENT: AuditEvent = {
  event: 'permission.refused',
  session: 's1',
  subject: 'joe.smith',
  issuer: 'staff',
  address: '203.0.113.7',
  user: 'webuser',
  vhost: '/',
  method: 'queue.bind',
}

describe('AuditTrail', () => {
  it('writes one JSON line, with the service and whatever the level of the log', () => {
    const lines: string[] = []
    const trail = new AuditTrail(new Log('error', { write: (line) => lines.push(line) }), '/amqp', 'count')
    assert.equal(trail.write(EVENT), true)
    const { time, ...rest } = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    assert.match(String(time), /^\d{4}-\d\d-\d\dT/)
    assert.deepEqual(rest, { level: 'audit', ...EVENT, service: '/amqp' })
  })

  it('says that it could not where the log is silent, and counts it', () => {
    const lines: string[] = []
    const log = new Log('silent', { write: (line) => lines.push(line) })
    const trail = new AuditTrail(log, '/amqp', 'refuse')
    assert.equal(trail.write(EVENT), false)
    assert.deepEqual([lines.length, log.auditLostCount, trail.onFailure], [0, 1, 'refuse'])
  })

  it('bounds refusals, says how many were left out, and leaves nothing else out', () => {
    const lines: string[] = []
    let nowMs = 0
    const trail = new AuditTrail(new Log('info', { write: (line) => lines.push(line) }), '/amqp', 'count', () => nowMs)
    for (let n = 0; n < 5_000; n++) assert.equal(trail.write(EVENT), true)
    assert.equal(lines.length, 1_000)

    trail.write({ ...EVENT, event: 'queue.bind' })
    assert.equal((JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>)['suppressed'], 4_000)

    nowMs = 10_000
    trail.write(EVENT)
    assert.equal(lines.length, 1_002)
  })

  it('keeps what a client sent on one line, and cuts it', () => {
    const lines: string[] = []
    const trail = new AuditTrail(new Log('info', { write: (line) => lines.push(line) }), '/amqp', 'count')
    trail.write({ ...EVENT, name: `a\n"level":"audit"\u001b${'x'.repeat(5_000)}` })
    assert.equal(lines[0]?.trimEnd().includes('\n'), false)
    assert.equal(lines[0]?.includes('\u001b'), false)
    assert.ok((lines[0]?.length ?? 0) < 800)
  })
})
