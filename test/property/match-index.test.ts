/** An index leaves out nobody who matches, and changes no order: it answers as going through all of them does. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Policy } from '../../auth/policy/permissions.ts'
import { compileMatch, type MatchFacts } from '../../auth/promotion/conditions/match.ts'
import { MatchIndex } from '../../auth/promotion/conditions/match-index.ts'
import type { MatchInput, ValueInput } from '../../auth/promotion/input.ts'
import { compilePromotion } from '../../auth/promotion/rules.ts'

/** Few, so that rules and people meet; some that are one another's wildcards, numbers, other Unicode form or prototype. */
const word = fc.constantFrom('a', 'b', 'ab', '1', 'true', 'caf\u00e9', 'cafe\u0301', '*', 'constructor', '__proto__')
const scalar = fc.oneof({ weight: 6, arbitrary: word }, fc.constantFrom(0, 1, -0, true, false))

const value: fc.Arbitrary<ValueInput> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  fc.constantFrom('*', 'a*', '?', 'a', '1').map((glob) => ({ glob })),
  fc.constantFrom('a|b', '[^a]', '[0-9]+', '.*').map((matches) => ({ matches })),
)
const values = fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 4 }))
const claimName = fc.constantFrom('dept', 'groups', 'realm.roles', 'realm', '"realm".roles', 'constructor')

const condition: fc.Arbitrary<MatchInput> = fc.oneof(
  fc.record({ subject: values }),
  fc.record({ role: values }),
  fc.record({ tag: values }),
  fc.record({ issuer: values }),
  fc.record({ authenticator: values }),
  fc.record({ claim: fc.dictionary(claimName, values, { minKeys: 1, maxKeys: 2 }) }),
  fc.record({ address: fc.constantFrom('192.0.2.0/24', '::/0', ['192.0.2.1', '198.51.100.0/24']) }),
)
/** Of one condition mostly: whoever has to meet seven of them at once hardly ever does. */
const match: fc.Arbitrary<MatchInput> = fc
  .array(condition, { maxLength: 2 })
  .map((conditions) => Object.assign({}, ...conditions) as MatchInput)

const claim = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 3 }),
  fc.constantFrom(null, Number.NaN, { roles: 'a' }, []),
)
const identity = fc.record({
  subject: word,
  issuer: word,
  authenticator: word,
  roles: fc.array(word, { maxLength: 4 }),
  claims: fc.dictionary(fc.constantFrom('dept', 'groups', 'realm.roles', 'realm', 'constructor'), claim),
  fromCookie: fc.boolean(),
})
const facts: fc.Arbitrary<MatchFacts> = fc.record(
  { identity, address: fc.constantFrom('192.0.2.1', '198.51.100.7', '2001:db8::1'), tags: fc.array(word) },
  { requiredKeys: ['identity', 'address'] },
)

/** Many rules and few people: it costs more to make rules than to ask them. */
const scene = fc.tuple(
  fc.array(match, { minLength: 1, maxLength: 12, size: 'max' }),
  fc.array(facts, { minLength: 1, maxLength: 3 }),
)

describe('an index of matches', () => {
  it('finds the first and all that match, in their order', () => {
    let found = 0
    fc.assert(
      fc.property(scene, ([inputs, people]) => {
        const matches = inputs.map((input) => compileMatch(input, { tags: true }))
        const index = new MatchIndex(matches)
        for (const one of people) {
          const expected = matches.flatMap((each, position) => (each.matches(one) ? [position] : []))
          found += expected.length
          assert.deepEqual(index.all(one), expected)
          assert.equal(index.first(one), expected[0] ?? -1)
        }
      }),
      { numRuns: 500 },
    )
    assert.ok(found > 1000, `${found} matched`)
  })

  it('decides promotion and permissions as going through all of them does', () => {
    fc.assert(
      fc.property(scene, ([inputs, people]) => {
        const whens = inputs.map(({ tag: _tag, ...when }) => when)
        const promotion = compilePromotion(
          whens.map((when, position) => ({
            when,
            to: { username: `user-${position}`, password: { kind: 'text', text: 'x' } },
          })),
          {
            credentials: new Map(),
            vhosts: { vhost: '/' },
            sources: { readFile: async () => Buffer.alloc(0), env: () => undefined },
          },
        )
        const policy = new Policy(
          inputs.map((input, position) => ({
            match: compileMatch(input, { tags: true }),
            configure: [],
            write: [],
            read: [{ queue: `queue-${position}` }],
          })),
        )
        for (const one of people) {
          const session = { ...one, session: 's', user: 'u' }
          const won = whens.findIndex((when) => compileMatch(when).matches(one))
          const { result } = promotion.explain(session)
          assert.equal(result.kind === 'promoted' ? result.rule : -1, won)
          const granted = inputs.flatMap((input, position) =>
            compileMatch(input, { tags: true }).matches(one) ? [`queue-${position}`] : [],
          )
          const queues = policy.rulesFor(session).grants.map(({ pattern }) => pattern)
          assert.deepEqual(queues, granted)
        }
      }),
      { numRuns: 300 },
    )
  })
})
