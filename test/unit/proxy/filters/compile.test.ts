import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { indexOf, MethodView } from '../../../../proxy/codec/method.ts'
import { ChannelFault } from '../../../../proxy/faults.ts'
import { compile } from '../../../../proxy/filters/compile.ts'
import type { FilterChecks, FilterOf, Verdict } from '../../../../proxy/filters/filter.ts'
import { ASKED } from '../../../../proxy/filters/track/track.ts'
import { FilterSession } from '../../../support/filter-session.ts'

const { view } = new FilterSession([])
const ACK = indexOf('basic.ack')
/** The requests that the session's books are kept by, whoever asks for them. */
const KEPT = ASKED.flatMap((asked, index) => (asked === null ? [] : [index]))
const method = new MethodView().set(ACK, 1, Buffer.alloc(0), 0, 0)
const REFUSAL = { fault: new ChannelFault('access-refused', 'no', { classId: 60, methodId: 10 }) }

/** A filter whose state is the list that its checks write their state's name into. */
interface Witness {
  readonly name: string
  readonly seen: string[]
  readonly verdict?: Verdict
}

const CHECKS: FilterChecks<Witness> = {
  toBroker: {
    'basic.ack': (_method, { name, seen, verdict }) => {
      seen.push(name)
      return verdict
    },
  },
  channelClosed: (channel, { name, seen }) => seen.push(`${name} ${channel}`),
  tick: (nowMs, { name, seen }) => seen.push(`${name} ${nowMs}`),
  ended: ({ name, seen }) => seen.push(`${name} ended`),
}

const witness = (state: Witness, checks = CHECKS): FilterOf<Witness> => ({
  name: state.name,
  checks,
  start: () => state,
})

function ask(...filters: FilterOf<Witness>[]): Verdict {
  const { layout, states } = compile(filters, view)
  return layout.toBroker[ACK]?.(method, states)
}

describe('compile', () => {
  it('gives sessions with the same kinds of filters the same layout, and each its own states', () => {
    const seen: string[] = []
    const [one, other] = ['a', 'b'].map((name) => compile([witness({ name, seen })], view))

    assert.equal(one?.layout, other?.layout)
    one?.tick(1)
    other?.tick(2)
    other?.channelClosed(3)
    one?.ended()
    assert.deepEqual(seen, ['a 1', 'b 2', 'b 3', 'a ended'])
  })

  it('tells kinds, their order and their number apart', () => {
    const kinds = { a: witness({ name: 'a', seen: [] }), b: witness({ name: 'b', seen: [] }, { ...CHECKS }) }
    const lists = [[], [kinds.a], [kinds.b], [kinds.a, kinds.b], [kinds.b, kinds.a], [kinds.a, kinds.a]]

    assert.equal(new Set(lists.map((list) => compile(list, view).layout)).size, lists.length)
  })

  it('hands each filter the state it made, in order', () => {
    const seen: string[] = []

    assert.equal(ask(witness({ name: 'a', seen }), witness({ name: 'b', seen }, { ...CHECKS })), undefined)
    assert.deepEqual(seen, ['a', 'b'])
  })

  it('lets the first refusal stand, and asks nobody after it', () => {
    const seen: string[] = []

    assert.equal(ask(witness({ name: 'a', seen, verdict: REFUSAL }), witness({ name: 'b', seen })), REFUSAL)
    assert.deepEqual(seen, ['a'])
  })

  it('takes one replacement, which a refusal outweighs, and no second one', () => {
    const seen: string[] = []
    const replacing = witness({ name: 'a', seen, verdict: Buffer.from('a') })

    assert.deepEqual(ask(replacing, witness({ name: 'b', seen })), Buffer.from('a'))
    assert.equal(ask(replacing, witness({ name: 'b', seen, verdict: REFUSAL })), REFUSAL)
    assert.throws(() => ask(replacing, replacing), /two filters rewrite/)
  })

  it('leaves the slots null that nobody asked for', () => {
    const { layout } = compile([witness({ name: 'a', seen: [] })], view)

    assert.deepEqual(
      layout.toBroker.flatMap((slot, index) => (slot === null ? [] : [index])),
      [...KEPT, ACK].sort((a, b) => a - b),
    )
    assert.ok(layout.toClient.every((slot) => slot === null))
    assert.deepEqual([layout.publish, layout.delivery, layout.deliveryFlags], [null, null, 0])
  })

  it('wants deliveries with the properties that filters name, or all of them', () => {
    const looking = (deliveryWith?: 'replyTo' | 'priority'): FilterOf<undefined> => ({
      name: 'looking',
      checks: { delivery: () => undefined, ...(deliveryWith === undefined ? {} : { deliveryWith: [deliveryWith] }) },
      start: () => undefined,
    })
    const flags = (...filters: FilterOf<undefined>[]): number => compile(filters, view).layout.deliveryFlags

    assert.equal(flags(looking('replyTo'), looking('priority')), flags(looking('replyTo')) | flags(looking('priority')))
    assert.notEqual(flags(looking('replyTo')), flags(looking('priority')))
    assert.equal(flags(looking('replyTo'), looking()), 0xffff)
  })
})
