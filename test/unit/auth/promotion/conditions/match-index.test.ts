/** How many matches are looked at for somebody. That it answers rightly is a property (test/property/match-index). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileMatch, type MatchFacts } from '../../../../../auth/promotion/conditions/match.ts'
import { MatchIndex } from '../../../../../auth/promotion/conditions/match-index.ts'
import type { MatchInput } from '../../../../../auth/promotion/input.ts'

const MANY = 10_000

const facts: MatchFacts = {
  identity: {
    issuer: 'https://idp.example.com',
    subject: 's9999',
    authenticator: 'sso',
    roles: ['r9999', 'staff'],
    claims: { dept: 'd9999', groups: ['g9999'], site: 'north' },
    fromCookie: false,
  },
  address: '192.0.2.1',
  tags: ['t9999'],
}

/** The positions that are looked at to find all that match. */
function lookedAt(inputs: readonly MatchInput[]): readonly number[] {
  const seen: number[] = []
  const matches = inputs.map((input, position) => {
    const match = compileMatch(input, { tags: true })
    return {
      ...match,
      matches(about: MatchFacts) {
        seen.push(position)
        return match.matches(about)
      },
    }
  })
  const index = new MatchIndex(matches)
  assert.deepEqual(
    index.all(facts),
    matches.flatMap(({ mismatch }, position) => (mismatch(facts) === undefined ? [position] : [])),
  )
  return seen
}

const many = (input: (at: number) => MatchInput): MatchInput[] => Array.from({ length: MANY }, (_, at) => input(at))

describe('an index of ten thousand matches', () => {
  for (const [what, input] of [
    ['subject', (at) => ({ subject: `s${at}` })],
    ['role', (at) => ({ role: `r${at}` })],
    ['list of roles', (at) => ({ role: [`r${at}`, `x${at}`] })],
    ['claim', (at) => ({ claim: { dept: `d${at}` } })],
    ['member of a claim', (at) => ({ claim: { groups: `g${at}` } })],
    ['tag', (at) => ({ tag: `t${at}` })],
    ['role that all have, and a subject', (at) => ({ role: 'staff', subject: `s${at}` })],
    ['claim that all have, and another', (at) => ({ claim: { site: 'north', dept: `d${at}` } })],
    ['subject and a glob', (at) => ({ subject: `s${at}`, role: { glob: '*' } })],
  ] satisfies [string, (at: number) => MatchInput][]) {
    it(`looks at one where each names a ${what}`, () => assert.deepEqual(lookedAt(many(input)), [MANY - 1]))
  }

  it('looks at those that could be anybody, too, in their order', () => {
    const others: readonly MatchInput[] = [{}, { subject: { glob: 's*' } }, { subject: ['s1', { glob: 't*' }] }]

    assert.deepEqual(lookedAt([...others, ...many((at) => ({ role: `r${at}` })), ...others]), [
      0,
      1,
      2,
      MANY + 2,
      MANY + 3,
      MANY + 4,
      MANY + 5,
    ])
  })

  it('looks at one once that lies under several values of one person', () => {
    assert.deepEqual(lookedAt([{ role: ['staff', 'r9999', 'staff'] }]), [0])
  })
})
