/**
 * A session's books against a broker that is far away: whatever crosses, no consumer and no queue of the broker's is missing
 * in them at any time, and when nothing is on its way they say what the broker says.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { authorizeFilter } from '../../proxy/filters/authorize/authorize.ts'
import type { Filter } from '../../proxy/filters/filter.ts'
import { limitFilters, Usages } from '../../proxy/filters/limit/limit.ts'
import { CHANNELS, CrossingRig, QUEUES, type Step } from '../support/crossing-rig.ts'
import { AuditLog } from '../support/filter-session.ts'
import { authorizer, type Entry, facts, policy } from '../support/policy.ts'

const RUNS = 500
const SINK = new AuditLog()
const ALL: Entry = { configure: [{ queue: '*' }, { queue: '' }], write: [{ queue: '*' }], read: [{ queue: '*' }] }
const IDENTITY = JSON.stringify(['https://idp.example.com', 'joe.smith'])

const channel = fc.constantFrom(...CHANNELS)
const queue = fc.constantFrom(...QUEUES, ...QUEUES, '')
const noWait = fc.boolean()

/** More often what keeps the two in step than each of the other things. */
function steps(tag: fc.Arbitrary<string>, more: readonly fc.Arbitrary<Step>[] = []): fc.Arbitrary<Step[]> {
  const step = fc.oneof(
    fc.record({ do: fc.constant('open' as const), channel }),
    fc.record({ do: fc.constant('declare' as const), channel, queue, passive: fc.constant(false), noWait }),
    fc.record({ do: fc.constant('declare' as const), channel, queue, passive: fc.boolean(), noWait }),
    fc.record({ do: fc.constant('delete' as const), channel, queue, ifUnused: fc.boolean(), noWait }),
    fc.record({ do: fc.constant('consume' as const), channel, queue, tag, noWait }),
    fc.record({ do: fc.constant('consume' as const), channel, queue, tag, noWait }),
    fc.record({ do: fc.constant('cancel' as const), channel, tag, noWait }),
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('arrive' as const, 'receive' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('work' as const), channel }) },
    fc.record({ do: fc.constantFrom('close' as const), channel }),
    fc.record({ do: fc.constant('foreign' as const), queue: fc.constantFrom(...QUEUES) }),
    ...more,
  )
  const opened: Step[] = CHANNELS.map((number) => ({ do: 'open', channel: number }))
  return fc.array(step, { maxLength: 60 }).map((script) => [...opened, ...script])
}

/** Each of the broker's consumers is in the books, perhaps without a tag or a queue's name yet. */
function assertNoneMissing({ broker, session }: CrossingRig): void {
  const known = session.view.track.consumers.list()
  for (const consumer of broker.consumers()) {
    const [number, tag, name] = consumer.split(' ')
    const found = known.some(
      (entry) =>
        entry.channel === Number(number) &&
        (entry.tag === tag || entry.tag === '') &&
        (entry.queue.name === name || entry.queue.name === ''),
    )
    assert.ok(found, `${consumer} is not in the books`)
  }
}

function assertInStep(rig: CrossingRig): void {
  const { broker, session } = rig
  const { queues } = session.view.track
  assert.deepEqual(rig.consumers().sort(), broker.consumers().sort())
  for (const number of CHANNELS) {
    const last = broker.channels.get(number)?.last ?? ''
    assert.equal(queues.last(number), rig.isOpen(number) ? last : '')
  }
  for (const name of broker.queues.keys()) assert.equal(queues.owns(name), name.startsWith('amq.gen-'))
}

describe('books and a broker far away', () => {
  it('D17 B36 know every consumer and every queue, with permissions and limits', () => {
    fc.assert(
      fc.property(steps(fc.constantFrom('t', 'u', '')), (script) => {
        const usages = new Usages()
        const usage = usages.enter(IDENTITY, 0)
        const limits = { consumers: 1000, queues: 1000 }
        const rig = new CrossingRig([
          authorizeFilter(authorizer(ALL), SINK),
          ...limitFilters({ limits, usages, sink: SINK }),
        ])
        for (const step of script) {
          rig.run(step)
          assertNoneMissing(rig)
          assert.ok(usage.consumers >= rig.broker.consumers().length)
          assert.ok(usage.queues.size >= rig.broker.queues.size)
        }

        rig.settle()

        assertInStep(rig)
        assert.equal(usage.consumers, rig.broker.consumers().length)
        const gone = [...rig.unsaid].filter((name) => !rig.broker.queues.has(name)).length
        assert.ok(usage.queues.size - rig.broker.queues.size <= gone)
        // Nobody has said that the consumer is there, with which its auto-delete queue goes.
        const isUnsaid = rig.session.view.track.consumers.list().some(({ isStarted }) => !isStarted)
        rig.session.end()
        assert.equal(usage.consumers, 0)
        const staying = [...rig.broker.queues.values()].filter(
          ({ exclusive, autoDelete, consumers }) => !exclusive && !(autoDelete && consumers.size > 0),
        )
        assert.ok(
          usage.queues.size >= staying.length && usage.queues.size <= staying.length + gone + (isUnsaid ? 1 : 0),
        )
      }),
      { numRuns: RUNS },
    )
  })

  it('D17 know them where nobody judges, and empty names go on to the broker', () => {
    fc.assert(
      fc.property(steps(fc.constantFrom('t', 'u', '')), (script) => {
        const rig = new CrossingRig([])
        script.forEach((step, at) => {
          // Nobody keeps the client from using a tag twice, which would cost it the connection.
          rig.run(step.do === 'consume' && step.tag !== '' ? { ...step, tag: `${step.tag}${at}` } : step)
          assertNoneMissing(rig)
        })

        rig.settle()

        assertInStep(rig)
      }),
      { numRuns: RUNS },
    )
  })
})

describe('filters that are exchanged', () => {
  /** Rights and limits of somebody who was promoted otherwise. */
  const RULES: readonly { readonly entry: Entry | undefined; readonly consumers?: number; readonly queues?: number }[] =
    [
      { entry: ALL, consumers: 3, queues: 2 },
      { entry: { ...ALL, read: [{ queue: 'a' }] }, consumers: 1 },
      { entry: { configure: [{ queue: '*' }], read: [{ queue: 'b' }, { queue: 'c' }] }, queues: 4 },
      { entry: { configure: [{ queue: '' }] } },
      { entry: undefined, queues: 3 },
    ]

  function filtersOf(at: number, usages: Usages): Filter[] {
    const { entry, ...limits } = RULES[at] ?? { entry: undefined }
    return [
      ...(entry === undefined ? [] : [authorizeFilter(policy([entry]).authorizer(facts()), SINK)]),
      ...limitFilters({ limits, usages, sink: SINK }),
    ]
  }

  it('B36 D17 decide like those of a session that always had them, and lose or double no count', () => {
    const exchange = fc.record({
      do: fc.constant('exchange' as const),
      to: fc.integer({ min: 0, max: RULES.length - 1 }),
    })
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: RULES.length - 1 }),
        steps(fc.constantFrom('t', 'u', ''), [exchange]),
        (first, script) => {
          const usages = new Usages()
          const usage = usages.enter(IDENTITY, 0)
          const rig = new CrossingRig(filtersOf(first, usages))
          let rules = first
          script.forEach((step, at) => {
            if (step.do === 'exchange') {
              rules = step.to
              rig.exchange(filtersOf(rules, usages))
            } else rig.run(step.do === 'consume' && step.tag !== '' ? { ...step, tag: `${step.tag}${at}` } : step)
            assertNoneMissing(rig)
          })
          rig.settle()
          assertInStep(rig)

          const { entry, consumers, queues } = RULES[rules] ?? { entry: undefined }
          const readable = new Set((entry?.read ?? []).map((grant) => ('queue' in grant ? grant.queue : '')))
          for (const consumer of rig.broker.consumers()) {
            const name = consumer.split(' ')[2] ?? ''
            const own =
              name.startsWith('amq.gen-') &&
              (entry?.configure ?? []).some((grant) => 'queue' in grant && grant.queue === '')
            assert.ok(entry === undefined || own || readable.has('*') || readable.has(name), `${consumer} goes on`)
          }
          assert.equal(usage.consumers, consumers === undefined ? 0 : rig.broker.consumers().length)
          if (queues !== undefined) assert.ok(usage.queues.size >= rig.broker.queues.size, 'a queue is not counted')
          rig.session.end()
          assert.deepEqual([usage.consumers, usage.users], [0, 1])
        },
      ),
      { numRuns: RUNS },
    )
  })
})
