import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PromotionRefused } from '../../../../../auth/errors.ts'
import { StampPolicy } from '../../../../../auth/policy/stamp.ts'
import type { ContentHeader, Properties } from '../../../../../proxy/codec/content.ts'
import type { Table } from '../../../../../proxy/codec/table.ts'
import { STAMP_ROOM_BYTES, type Stamps, stampFilter } from '../../../../../proxy/filters/stamp/stamp.ts'
import { assertForwarded, assertRefused } from '../../../../support/authorize.ts'
import { AuditLog, FilterSession, text } from '../../../../support/filter-session.ts'
import { facts } from '../../../../support/policy.ts'

const STAMPS: Stamps = {
  userId: 'webuser',
  appId: 'trading-ui',
  timestamp: () => 1_790_000_000,
  headers: [
    ['x-gatehouse-user', 'joe.smith'],
    ['Desk', 'fx'],
  ],
}

function stamped(properties: Properties, stamps: Stamps = STAMPS): ContentHeader {
  const outcome = new FilterSession([stampFilter(stamps, new AuditLog())]).publish('x', 'k', properties, {
    bodyBytes: 5,
  })
  if (outcome.kind !== 'forwarded' || outcome.rewritten === undefined) assert.fail('was not stamped')
  return outcome.rewritten
}

function entries(table: Table | undefined): string[] {
  return (table ?? []).map((entry) => `${entry.key}=${entry.type === 'S' ? entry.value.toString() : entry.type}`)
}

describe('stampFilter with stamps', () => {
  it('B20 B23 sets user-id, app-id and timestamp, whatever the client sent', () => {
    const header = stamped({
      userId: 'admin',
      appId: 'other',
      timestamp: 5n,
      messageId: 'm',
      type: 't',
      clusterId: 'c',
    })

    assert.deepEqual(
      (['userId', 'appId', 'timestamp', 'messageId', 'type', 'clusterId'] as const).map((name) =>
        header.property(name),
      ),
      ['webuser', 'trading-ui', 1_790_000_000n, 'm', 't', 'c'],
    )
    assert.equal(header.bodySize, 5n)
  })

  it('B23 asks the clock for each message', () => {
    let second = 100
    const session = new FilterSession([stampFilter({ timestamp: () => second, headers: [] }, new AuditLog())])
    const sent = (): unknown => {
      const outcome = session.publish('x', 'k', { timestamp: 5n })
      return outcome.kind === 'forwarded' ? outcome.rewritten?.property('timestamp') : undefined
    }

    const first = [sent(), sent()]
    second = 101

    assert.deepEqual([...first, sent()], [100n, 100n, 101n])
  })

  it('sets them where the client sent nothing at all', () => {
    const header = stamped({})

    assert.equal(header.property('userId'), 'webuser')
    assert.deepEqual(entries(header.property('headers')), ['x-gatehouse-user=joe.smith', 'Desk=fx'])
  })

  it('removes user-id where that is wanted', () => {
    assert.equal(stamped({ userId: 'admin', appId: 'a' }, { userId: '', headers: [] }).has('userId'), false)
    assert.equal(stamped({ appId: 'a' }, { userId: '', headers: [] }).property('appId'), 'a')
  })

  const SPELLINGS = [
    'x-gatehouse-user',
    'X-Gatehouse-User',
    'X-GATEHOUSE-ANYTHING',
    'x-gatehou\u017fe-user',
    '\uff58-gatehouse-user',
    'x\uff0dgatehouse\uff0duser',
    'desk',
    'DESK',
    'DE\u017fK',
    'des\u212a',
  ]
  for (const key of SPELLINGS) {
    it(`B21 a client’s ${JSON.stringify(key)} is removed, of any type and however often`, () => {
      const headers: Table = [
        { key: 'keep', ...text('1') },
        { key, ...text('admin') },
        { key, type: 'F', value: [{ key, ...text('admin') }] },
        { key: 'also', type: 'l', value: 2n },
        { key, type: 'A', value: [] },
      ]

      assert.deepEqual(entries(stamped({ headers }).property('headers')), [
        'keep=1',
        'also=l',
        'x-gatehouse-user=joe.smith',
        'Desk=fx',
      ])
    })
  }

  it('leaves names alone that only resemble reserved ones', () => {
    const headers: Table = ['x-gatehouse', 'x_gatehouse-user', 'xx-gatehouse-user', 'Desks', 'traceparent', ''].map(
      (key) => ({
        key,
        ...text('1'),
      }),
    )

    assert.equal(stamped({ headers }).property('headers')?.length, headers.length + 2)
  })

  it('C29 refuses a header that has no room for its stamps at the broker', () => {
    const log = new AuditLog()
    const session = new FilterSession([stampFilter(STAMPS, log)], { brokerPayloadMax: 160 })

    assertForwarded(session.publish('x', 'k', { messageId: 'a'.repeat(50) }))
    assertRefused(session.publish('x', 'k', { messageId: 'a'.repeat(100) }), 'content-too-large')
    assert.deepEqual(log.names(), ['stamp.refused'])
  })

  it('A27 refuses at login what does not fit into a property, and what does not fit into the room', () => {
    assert.throws(() => stampFilter({ userId: 'ü'.repeat(128), headers: [] }, new AuditLog()), RangeError)
    const long = ['a', 'b', 'c', 'd'].map((name) => [name, 'x'.repeat(STAMP_ROOM_BYTES / 4)] as const)
    assert.throws(() => stampFilter({ headers: long }, new AuditLog()), RangeError)
    const nameless = [['x'.repeat(256), 'a header']] as const
    assert.throws(() => stampFilter({ headers: nameless }, new AuditLog()), RangeError)
    assert.throws(() => stampFilter({ appId: 'half \ud800', headers: [] }, new AuditLog()), RangeError)
    // Beside the text: one byte for each absent property, four for the table, seven for the name and what the text is.
    const filling = (bytes: number) => [['x', 'y'.repeat(bytes - 13)]] as const
    stampFilter({ headers: filling(STAMP_ROOM_BYTES) }, new AuditLog())
    assert.throws(() => stampFilter({ headers: filling(STAMP_ROOM_BYTES + 1) }, new AuditLog()), RangeError)
  })
})

describe('stampFilter without stamps', () => {
  const joe = (): FilterSession => new FilterSession([stampFilter(undefined, new AuditLog())])

  it('forwards the very bytes where there is nothing to check', () => {
    assert.deepEqual(joe().publish('x', 'k', { messageId: 'm', headers: [{ key: 'a', ...text('1') }] }), {
      kind: 'forwarded',
      rewritten: undefined,
    })
    assert.deepEqual(joe().publish('x', 'k', { userId: 'webuser' }), { kind: 'forwarded', rewritten: undefined })
  })

  it('B20 sends the subject as the broker user', () => {
    const outcome = joe().publish('x', 'k', { userId: 'joe.smith', messageId: 'm' })

    assert.ok(outcome.kind === 'forwarded')
    assert.equal(outcome.rewritten?.property('userId'), 'webuser')
    assert.equal(outcome.rewritten?.property('messageId'), 'm')
  })

  for (const userId of ['admin', '', 'Joe.Smith', 'joe.smith ', 'webuser\0']) {
    it(`B20 refuses the user-id ${JSON.stringify(userId)} with 406, and names no broker user`, () => {
      const refused = assertRefused(joe().publish('x', 'k', { userId }), 'precondition-failed')

      assert.doesNotMatch(refused, /webuser/)
    })
  }

  it('B21 removes the gateway’s header names', () => {
    const outcome = joe().publish('x', 'k', {
      headers: [
        { key: 'X-Gatehouse-User', ...text('admin') },
        { key: 'a', ...text('1') },
      ],
    })

    assert.ok(outcome.kind === 'forwarded')
    assert.deepEqual(entries(outcome.rewritten?.property('headers')), ['a=1'])
  })
})

describe('StampPolicy', () => {
  const known = { ...facts(), user: 'webuser' }

  it('fills variables in literally', () => {
    const stamps = new StampPolicy({
      userId: 'subject',
      appId: 'ui for ${user}',
      headers: { 'x-gatehouse-user': '${subject}', 'x-from': '${address}/${session}' },
    }).stampsFor(known)

    assert.equal(stamps.userId, 'joe.smith')
    assert.equal(stamps.appId, 'ui for webuser')
    assert.equal(stamps.timestamp, undefined)
    assert.deepEqual(stamps.headers, [
      ['x-gatehouse-user', 'joe.smith'],
      ['x-from', '203.0.113.7/s1'],
    ])
  })

  it('speaks of the broker user or of nobody, as configured', () => {
    assert.equal(new StampPolicy({ userId: 'broker' }).stampsFor(known).userId, 'webuser')
    assert.equal(new StampPolicy({ userId: 'remove' }).stampsFor(known).userId, '')
    assert.ok(
      (new StampPolicy({ userId: 'remove', timestamp: true }).stampsFor(known).timestamp?.() ?? 0) > 1_700_000_000,
    )
  })

  for (const subject of ['ü'.repeat(128), 'a\nb', '']) {
    it(`A27 refuses the subject ${JSON.stringify(subject.slice(0, 5))}… (${subject.length}) at login`, () => {
      assert.throws(
        () => new StampPolicy({ userId: 'subject' }).stampsFor({ ...facts(subject), user: 'webuser' }),
        PromotionRefused,
      )
    })
  }

  it('refuses a claim that is not there, at login', () => {
    assert.throws(
      () => new StampPolicy({ userId: 'broker', headers: { dept: '${claim.dept}' } }).stampsFor(known),
      PromotionRefused,
    )
  })

  it('says which variable is none, at start', () => {
    assert.throws(
      () => new StampPolicy({ userId: 'broker', headers: { a: '${nobody}' }, appId: '${' }),
      /appId.*\n?.*headers\.a|headers/,
    )
  })
})
