/** Answers of entitlement services, read as if a stranger had written them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Malformed, readAnswer } from '../../../../auth/entitlements/answer.ts'
import { EntitlementRefused } from '../../../../auth/errors.ts'

const NOW_MS = Date.parse('2026-11-29T20:00:00Z')
const read = (answer: unknown) => readAnswer(answer, NOW_MS)

describe('the answer of an entitlement service', () => {
  it('B50 is bare, or under `result` as Open Policy Agent has it, helpers of the policy included', () => {
    const bare = { allow: true, roles: ['desk'], permissions: { read: [{ queue: 'a' }] }, is_trader: true }
    for (const answer of [bare, { result: bare, decision_id: '1' }]) {
      const { roles, permissions, grants, untilMs } = read(answer)
      assert.deepEqual(roles, ['desk'])
      assert.deepEqual(permissions, { configure: [], write: [], read: [{ queue: 'a' }] })
      assert.deepEqual(
        grants.map(({ place }) => place),
        ['entitlements.read[0]'],
      )
      assert.equal(untilMs, undefined)
    }
  })

  it('may end: a date and a time with an offset, which is to come', () => {
    assert.equal(read({ allow: true, until: '2026-11-29T21:30:00+01:00' }).untilMs, NOW_MS + 1_800_000)
    assert.equal(read({ allow: true, until: '2032-02-29T12:00:00Z' }).untilMs, Date.UTC(2032, 1, 29, 12))
    for (const until of [
      '2026-11-29',
      'tomorrow',
      1_900_000_000,
      '2026-11-29T20:30:00',
      '2026-11-29T20:00:00Z',
      null,
      '2026-13-41T99:00:00Z',
      '2031-02-30T12:00:00Z',
      '2031-02-29T12:00:00Z',
      '2031-04-31T12:00:00Z',
      '2031-00-10T12:00:00Z',
      '2031-01-00T12:00:00Z',
    ])
      assert.throws(() => read({ allow: true, until }), Malformed, String(until))
  })

  it('says no, with a reason that is cut to what a client can be sent', () => {
    assert.throws(() => read({ allow: false }), EntitlementRefused)
    const refused = (reason: unknown) => {
      try {
        read({ allow: false, reason })
      } catch (error) {
        if (error instanceof EntitlementRefused) return error.forClient
        throw error
      }
      return assert.fail('not refused')
    }
    assert.equal(refused('not on\r\nSundays'), 'not on  Sundays')
    assert.equal(Buffer.byteLength(refused('é'.repeat(500)) ?? ''), 200)
    assert.equal(refused('   '), undefined)
    assert.throws(() => refused(7), Malformed)
  })

  it('grants the same with the same signature only', () => {
    const one = read({ allow: true, permissions: { read: [{ exchange: 'a', routingKey: 'b' }] } })
    assert.equal(
      read({ allow: true, permissions: { read: [{ exchange: 'a', routingKey: 'b' }] } }).signature,
      one.signature,
    )
    assert.notEqual(
      read({ allow: true, permissions: { write: [{ exchange: 'a', routingKey: 'b' }] } }).signature,
      one.signature,
    )
    assert.notEqual(read({ allow: true, roles: ['a'] }).signature, read({ allow: true }).signature)
  })

  const NONE: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['a text', 'yes'],
    ['true', true],
    ['no decision', {}],
    ['an undefined decision of OPA', { result: undefined }],
    ['`result` and `allow`', { allow: true, result: { allow: false } }],
    ['`allow` as a text', { allow: 'true' }],
    ['`allow` as 1', { allow: 1 }],
    ['roles that are none', { allow: true, roles: 'desk' }],
    ['an empty role', { allow: true, roles: [''] }],
    ['a role that is no text', { allow: true, roles: [{ toString: () => 'admin' }] }],
    ['permissions as a list', { allow: true, permissions: [] }],
    ['another list', { allow: true, permissions: { reed: [] } }],
    ['no list', { allow: true, permissions: { read: { queue: 'a' } } }],
    ['an empty rule', { allow: true, permissions: { read: [{}] } }],
    ['a queue and an exchange', { allow: true, permissions: { read: [{ queue: 'a', exchange: 'b' }] } }],
    ['a key for a queue', { allow: true, permissions: { read: [{ queue: 'a', routingKey: '#' }] } }],
    ['another key', { allow: true, permissions: { read: [{ queue: 'a', vhost: 'b' }] } }],
    ['a variable', { allow: true, permissions: { read: [{ queue: 'ui.${subject}' }] } }],
    ['an escaped variable', { allow: true, permissions: { read: [{ queue: 'ui.$${subject}' }] } }],
    ['the default exchange', { allow: true, permissions: { write: [{ exchange: '' }] } }],
    ['a nameless queue to read', { allow: true, permissions: { read: [{ queue: '' }] } }],
    ['keys to configure', { allow: true, permissions: { configure: [{ exchange: 'a', routingKey: 'b' }] } }],
    ['a long pattern', { allow: true, permissions: { read: [{ queue: 'a'.repeat(256) }] } }],
    ['too many words', { allow: true, permissions: { read: [{ exchange: 'a', routingKey: '.'.repeat(200) }] } }],
    ['arguments', { allow: true, permissions: { read: [], arguments: {} } }],
  ]
  for (const [what, answer] of NONE) {
    it(`is none where it is ${what}`, () => {
      assert.throws(() => read(answer), Malformed)
    })
  }
})
