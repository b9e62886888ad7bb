/** Any answer of an entitlement service permits what the same permissions permit that are written in the configuration. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readAnswer } from '../../auth/entitlements/answer.ts'
import { NO_ENTITLEMENT } from '../../auth/entitlements/entitlement.ts'
import type { GrantInput } from '../../auth/policy/input.ts'
import { Policy } from '../../auth/policy/permissions.ts'
import { compileMatch } from '../../auth/promotion/conditions/match.ts'
import type { Need } from '../../proxy/index.ts'
import { facts } from '../support/policy.ts'

const RUNS = 10_000

const part = fc.constantFrom('a', 'b', '*', '?', 'ui')
const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'))
const key = fc.array(fc.constantFrom('a', 'b', '*', '#'), { maxLength: 3 }).map((words) => words.join('.'))
const queue = fc.record({ queue: name })
const exchange = fc.record({ exchange: name })
const keyed = fc.record({ exchange: name, routingKey: key }, { requiredKeys: ['exchange'] })
const some = <T>(grant: fc.Arbitrary<T>) => fc.array(grant, { maxLength: 3 })
const permissions = fc.record({
  configure: some(fc.oneof(queue, exchange, fc.constant({ queue: '' }))),
  write: some(fc.oneof(queue, keyed)),
  read: some(fc.oneof(queue, keyed)),
})
const role = fc.constantFrom('trader', 'desk', 'clerk')
const written = fc.array(
  fc
    .tuple(fc.option(role), permissions)
    .map(([who, lists]) => ({ ...lists, for: who === null ? undefined : { role: who } })),
  { maxLength: 3 },
)

const words = fc
  .array(fc.constantFrom('a', 'b', 'ui', 'amq', 'gen-1'), { minLength: 1, maxLength: 3 })
  .map((all) => all.join('.'))
const question: fc.Arbitrary<Need> = fc.record({
  permission: fc.constantFrom('configure' as const, 'write' as const, 'read' as const),
  kind: fc.constantFrom('queue' as const, 'exchange' as const),
  name: words,
  routingKey: key,
})

interface Lists {
  readonly configure: readonly GrantInput[]
  readonly write: readonly GrantInput[]
  readonly read: readonly GrantInput[]
}
type Entries = readonly (Lists & { readonly for: { readonly role: string } | undefined })[]
const compiled = (entries: Entries) =>
  new Policy(entries.map(({ for: whom, ...lists }) => ({ ...lists, match: compileMatch(whom) })))

describe('an answer', () => {
  it('permits what the same permissions permit where they are written', () => {
    let allowed = 0
    fc.assert(
      fc.property(
        written,
        permissions,
        fc.array(role, { maxLength: 2 }),
        fc.array(question, { minLength: 5, maxLength: 12 }),
        (entries, answer, roles, questions) => {
          const entitlement = readAnswer({ allow: true, roles, permissions: answer }, Date.now())
          const byAnswer = compiled(entries).authorizer({ ...facts(), entitlement })
          const more = facts(undefined, { roles: ['trader', ...roles] })
          const byText = compiled([...entries, { ...answer, for: undefined }]).authorizer(more)
          for (const { permission, kind, name: asked, routingKey = '#' } of questions) {
            const judge = (authorizer: typeof byText) => [
              kind === 'queue' ? authorizer.mayQueue(permission, asked) : authorizer.mayConfigureExchange(asked),
              authorizer.mayPublish(kind === 'queue' ? '' : asked, routingKey),
              permission === 'configure' || authorizer.mayBind(permission, asked, routingKey),
              authorizer.mayKnow(kind, asked),
              authorizer.mayDeclareServerNamed,
            ]
            const judged = judge(byAnswer)
            assert.deepEqual(judged, judge(byText))
            if (judged[0] || judged[1]) allowed += 1
          }
        },
      ),
      { numRuns: RUNS },
    )
    assert.ok(allowed > RUNS, `${allowed} allowed`)
  })

  it('never takes a right away, and without permissions and roles gives none', () => {
    fc.assert(
      fc.property(written, fc.array(question, { minLength: 5, maxLength: 12 }), (entries, questions) => {
        const policy = compiled(entries)
        const without = policy.rulesFor(facts())
        const nothing = policy.rulesFor({ ...facts(), entitlement: NO_ENTITLEMENT })
        for (const need of questions) assert.equal(nothing.granting(need)?.place, without.granting(need)?.place)
      }),
      { numRuns: 1000 },
    )
  })
})
