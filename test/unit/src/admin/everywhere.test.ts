/** What several gateways answer, as one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mergedPeople, type ShownPerson } from '../../../../src/admin/live/people.ts'
import { mergedRefusals, type ShownRefusal } from '../../../../src/admin/live/recent-refusals.ts'
import { type Counts, sumOfCounts } from '../../../../src/admin/replicas/counts.ts'
import { type Listing, listingSchema, merged } from '../../../../src/admin/routes/listing.ts'
import type { SessionPage, ShownSession } from '../../../../src/admin/shapes.ts'

const RATES = { bytesFromClient: 1, bytesToClient: 2, messagesFromClient: 0.1, messagesToClient: 0 }

describe('a page of several gateways', () => {
  const page = (...items: readonly Partial<ShownSession>[]): SessionPage =>
    ({ total: items.length, page: 1, pageSize: 100, items, notReached: [] }) as unknown as SessionPage
  const listing = (query: object): Listing => listingSchema.parse(query)
  const ids = (items: readonly ShownSession[]): string => items.map(({ id }) => id).join('')

  it('is in one order, and what has no value comes last', () => {
    const pages = [
      page({ id: 'a', openedAt: '1', vhost: '/b' }, { id: 'c', openedAt: '3', vhost: null }),
      page({ id: 'b', openedAt: '2', vhost: '/a' }, { id: 'd', openedAt: '4', vhost: '/b' }),
    ]
    assert.equal(ids(merged(pages, listing({}))), 'abcd')
    assert.equal(ids(merged(pages, listing({ sort: '-openedAt' }))), 'dcba')
    assert.equal(ids(merged(pages, listing({ sort: 'vhost' }))), 'badc')
    assert.equal(ids(merged(pages, listing({ sort: '-vhost' }))), 'adbc')
    assert.equal(ids(merged(pages, listing({ page: 2, pageSize: 3 }))), 'd')
  })

  it('does not depend on who answers first', () => {
    const pages = [page({ id: 'b', openedAt: '1' }), page({ id: 'a', openedAt: '1' }), page({ id: 'c', openedAt: '1' })]
    assert.equal(ids(merged(pages, listing({}))), 'abc')
    assert.equal(ids(merged(pages.toReversed(), listing({}))), 'abc')
  })
})

describe('numbers of several gateways', () => {
  it('are added: of services, nodes, and per second', () => {
    const rates = { opened: 0.1, ended: 0, refused: 0, ...RATES }
    const counts = (path: string, sessions: number): Counts => ({
      sessions,
      services: [{ path, sessions }],
      nodes: [{ broker: 'main', node: 'amqp://one:5672', sessions }],
      rates,
    })
    const sum = sumOfCounts([counts('/amqp', 2), counts('/amqp', 3), counts('/other', 4)])
    assert.deepEqual(sum.services, [
      { path: '/amqp', sessions: 5 },
      { path: '/other', sessions: 4 },
    ])
    assert.deepEqual([sum.sessions, sum.nodes[0]?.sessions, sum.nodes.length], [9, 9, 1])
    assert.deepEqual([sum.rates.opened, sum.rates.bytesToClient], [0.3, 6])
  })

  it('are added for each person', () => {
    const person = (subject: string, sessions: number, used: number | null): ShownPerson => ({
      subject,
      issuer: 'staff',
      service: '/amqp',
      sessions,
      rates: { ...RATES, bytesFromClient: sessions },
      limits: { channels: { used, of: 10 } },
    })
    const page = (total: number, ...items: readonly ShownPerson[]) => ({ total, items })
    const { total, items } = mergedPeople(
      [page(1, person('joe', 1, 2)), page(7, person('ann', 3, null), person('joe', 4, 3))],
      2,
    )
    assert.equal(total, 7)
    assert.deepEqual(
      items.map(({ subject, sessions, limits }) => [subject, sessions, limits?.['channels']?.used]),
      [
        ['joe', 5, 5],
        ['ann', 3, null],
      ],
    )
    assert.equal(mergedPeople([page(1, person('joe', 1, 2)), page(1, person('ann', 2, 1))], 1).items.length, 1)
  })

  it('are no more refusals than one gateway remembers, the last one first', () => {
    const refusals = (replica: string, first: number): ShownRefusal[] =>
      Array.from({ length: 150 }, (_, index) => ({ at: String(first - index), replica }) as ShownRefusal)
    const all = mergedRefusals([refusals('one', 2_000), refusals('two', 1_900), []])
    assert.equal(all.length, 200)
    assert.deepEqual([all[0]?.replica, all[0]?.at, all.at(-1)?.at], ['one', '2000', '1851'])
  })
})
