/** A page of sessions, in any order, is that part of all of them sorted: also where there are more than are sorted at once. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isOfAllByAge, type Listing, listingSchema, pageByAge, pageOf } from '../../src/admin/routes/listing.ts'
import type { Occupant } from '../../src/sessions/place.ts'

const HERE = { replica: null, worker: null }

interface Plain {
  readonly id: string
  readonly vhost: string | undefined
  readonly startedAtMs: number
  readonly channels: number
}

/** Few values and many equals, as sessions have them. In the order of their age, as the registry has them. */
const sessions = fc
  .record({
    count: fc.oneof(fc.nat(300), fc.integer({ min: 4_000, max: 10_000 })),
    seed: fc.nat(),
    vhosts: fc.integer({ min: 1, max: 5 }),
    channels: fc.integer({ min: 1, max: 50 }),
  })
  .map(({ count, seed, vhosts, channels }) =>
    Array.from({ length: count }, (_, index): Plain => {
      const chance = Math.imul(index + seed, 0x9e3779b1) >>> 8
      const vhost = chance % vhosts
      return {
        id: `s${index}`,
        vhost: vhost === 0 ? undefined : `/${vhost}`,
        startedAtMs: 1_000 + Math.floor(index / 3),
        channels: (chance >>> 4) % channels,
      }
    }),
  )

/** The key by which the model sorts. */
const KEYS = { openedAt: 'startedAtMs', vhost: 'vhost', channels: 'channels' } as const

const listing = fc.record({
  key: fc.constantFrom(...(Object.keys(KEYS) as (keyof typeof KEYS)[])),
  sign: fc.constantFrom('', '-'),
  page: fc.integer({ min: 1, max: 30 }),
  pageSize: fc.integer({ min: 1, max: 500 }),
})

function occupants(plain: readonly Plain[]): readonly Occupant[] {
  return plain.map((one) => ({ record: { ...one, identity: {} } }) as unknown as Occupant)
}

/** Sorts all: what has no value comes last, equals stay in the order of their age. */
function model(plain: readonly Plain[], key: keyof Plain, isDescending: boolean): string[] {
  const withValue = plain.filter((one) => one[key] !== undefined)
  const order = (one: Plain, other: Plain): number => {
    const [a, b] = [one[key] ?? '', other[key] ?? '']
    return a === b ? 0 : a < b === isDescending ? 1 : -1
  }
  return [...withValue.sort(order), ...plain.filter((one) => one[key] === undefined)].map(({ id }) => id)
}

describe('a page of sessions', () => {
  it('is that part of all of them sorted', () => {
    fc.assert(
      fc.property(sessions, listing, (plain, { key, sign, page, pageSize }) => {
        const asked: Listing = listingSchema.parse({ sort: `${sign}${key}`, page, pageSize })
        const all = occupants(plain)
        const { total, items } = pageOf(all, asked, HERE)
        const expected = model(plain, KEYS[key], sign === '-').slice((page - 1) * pageSize, page * pageSize)
        assert.equal(total, plain.length)
        assert.deepEqual(
          items.map(({ id }) => id),
          expected,
        )
      }),
      { numRuns: 40 },
    )
  })

  it('is the same where only those of the page are looked at, in the order of age', () => {
    const inOrder = listing.map(({ sign, page, pageSize }) => ({ sort: `${sign}openedAt`, page, pageSize }))
    fc.assert(
      fc.property(fc.nat(2_000), inOrder, (count, asked) => {
        const all = occupants(
          Array.from({ length: count }, (_, index) => ({
            id: `s${index}`,
            vhost: '/',
            startedAtMs: 1_000 + index,
            channels: 0,
          })),
        )
        const [oldest, youngest] = [() => all, () => all.toReversed()]
        const byAge = { count: all.length, each: oldest, youngestFirst: youngest }
        const parsed = listingSchema.parse(asked)
        assert.ok(isOfAllByAge(parsed))
        assert.deepEqual(pageByAge(byAge, parsed, HERE), pageOf(all, parsed, HERE))
      }),
    )
  })

  it('is another one where somebody asks for some only', () => {
    for (const asked of [{ sort: 'id' }, { subject: 'ann' }, { sort: '-openedAt', vhost: '/' }])
      assert.ok(!isOfAllByAge(listingSchema.parse(asked)))
  })
})
