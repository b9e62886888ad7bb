/** Groups that a provider leaves out of a token: whoever is refused for it, the log says why. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { leftOutClaims, leftOutText } from '../../../auth/left-out-claims.ts'
import { compilePromotion } from '../../../auth/promotion/rules.ts'

const entra = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example.com' } } }

describe('leftOutClaims', () => {
  it('names what is elsewhere, and nothing that is there', () => {
    assert.deepEqual(leftOutClaims(entra), ['groups'])
    assert.deepEqual(leftOutClaims({ hasgroups: true }), ['groups'])
    assert.deepEqual(leftOutClaims({ hasgroups: 'true', ...entra }), ['groups'])
    assert.deepEqual(leftOutClaims({ ...entra, groups: ['a'] }), [])
    for (const claims of [{}, { hasgroups: false }, { _claim_names: ['groups'] }, { _claim_names: 'groups' }]) {
      assert.deepEqual(leftOutClaims(claims), [])
      assert.equal(leftOutText(claims), '')
    }
  })

  it('bears any claims, and says nothing that could break a line', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (claims, names) => {
        assert.match(leftOutText({ ...claims, _claim_names: names, hasgroups: names }), /^\P{Cc}*$/u)
      }),
    )
  })
})

describe('a refusal of somebody whose groups were left out', () => {
  const sources = { readFile: async () => Buffer.alloc(0), env: () => undefined }
  const promotion = compilePromotion(
    [{ when: { role: 'trader' }, to: { username: 'u', password: { kind: 'text', text: 'p' } } }],
    { credentials: new Map(), vhosts: { vhost: '/' }, sources },
  )
  const refusal = (claims: Readonly<Record<string, unknown>>) =>
    promotion.explain({
      identity: { issuer: 'i', subject: 'joe', authenticator: 'sso', roles: [], claims, fromCookie: false },
      address: '203.0.113.7',
      session: 's',
    }).result

  it('says so, and no other does', () => {
    const [left, none] = [refusal(entra), refusal({})]
    assert.match(left.kind === 'refused' ? left.detail : '', /left groups out of the token.*too many/)
    assert.doesNotMatch(none.kind === 'refused' ? none.detail : 'left', /left/)
  })
})
