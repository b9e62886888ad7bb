/** Claims and headers of any shape: reading them never breaks, and never makes a role that nobody wrote. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { claimPath } from '../../auth/claim-path.ts'
import { compileMatch } from '../../auth/promotion/conditions/match.ts'
import { Secret } from '../../auth/secret.ts'
import { readRoles } from '../../auth/strategies/claimed-roles.ts'
import { checkSubject, findClaim } from '../../auth/strategies/claims.ts'
import { forwardedAuthenticator } from '../../auth/strategies/forwarded/forwarded.ts'
import { authenticationRequest } from '../support/authentication-request.ts'
import { quotedPath, separatorAt, writtenRoles } from '../support/claim-shapes.ts'

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'scope', 'scp', 'roles', '__proto__', 'constructor', 'a.b', '', 'x"y', 'x\\y', 'é'),
  fc.string({ maxLength: 4 }),
)
const word = fc.oneof(
  fc.constantFrom('trader', 'Trading Floor', 'a b', 'a,b', 'a|b', 'CN=x,OU=y', '', ' '),
  fc.string(),
)
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, word, fc.jsonValue({ maxDepth: 1 }), fc.array(word), tie('array'), tie('object')),
  array: fc.array(tie('tree'), { maxLength: 4 }),
  object: fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
}))
const claims = fc.dictionary(key, tree, { maxKeys: 5, noNullPrototype: true })
const keys = fc.array(
  key.filter((one) => one !== ''),
  { minLength: 1, maxLength: 4 },
)
const separator = fc.constantFrom(undefined, ',', '|', ' ', ';;')

/** The value, or undefined where it was refused; anything else that is thrown is a find. */
function refusedOr<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    assert.equal((error as Error).name, 'AuthenticationRefused', String(error))
    return undefined
  }
}

describe('claims of any shape', () => {
  it('a quoted path finds exactly the value of those own keys', () => {
    fc.assert(
      fc.property(keys, claims, fc.jsonValue(), (path, around, value) => {
        const text = quotedPath(path)
        const holding = path.reduceRight<unknown>((inside, one) => ({ ['x']: 1, [one]: inside }), value) as object
        assert.deepEqual(
          claimPath(text).find({ ...holding }),
          path.includes('x') ? claimPath(text).find({ ...holding }) : value,
        )
        claimPath(text).find(around)
      }),
    )
  })

  it('G60 gives no role that is not written there, or between the separators that were declared', () => {
    fc.assert(
      fc.property(keys, claims, separator, fc.constantFrom('value', 'keys'), (path, value, between, from) => {
        const source = { path: quotedPath(path), separator: between, from } as const
        const roles = refusedOr(() => readRoles(value, source)) ?? []
        const at = claimPath(source.path).find(value)
        const split = separatorAt(path, between)
        const written = writtenRoles(at, split)
        for (const role of roles) assert.ok(written.has(role), JSON.stringify({ role, at }))
        if (typeof at === 'string' && split === undefined && from === 'value' && at !== '') {
          assert.ok(roles.length === 0 || (roles.length === 1 && roles[0] === at))
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('gives a subject that is written there, or refuses', () => {
    fc.assert(
      fc.property(keys, claims, (path, value) => {
        const text = quotedPath(path)
        const subject = refusedOr(() => checkSubject(findClaim(value, text), 'it'))
        assert.ok(subject === undefined || subject === claimPath(text).find(value))
      }),
    )
  })

  it('a condition on them answers', () => {
    fc.assert(
      fc.property(keys, claims, (path, value) => {
        const match = compileMatch({ claim: { [quotedPath(path)]: 'trader' } })
        const identity = { issuer: 'i', subject: 's', authenticator: 'a', roles: [], claims: value, fromCookie: false }
        const at = claimPath(quotedPath(path)).find(value)
        const expected = at === 'trader' || (Array.isArray(at) && at.includes('trader'))
        assert.equal(match.matches({ identity, address: '203.0.113.7' }), expected)
      }),
    )
  })

  it('any text is a path, or a mistake that says where', () => {
    const unit = fc.constantFrom('"', '.', '\\', 'a', ' ', 'é')
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1 }), claims, (text, value) => {
        try {
          claimPath(text).find(value)
        } catch (error) {
          assert.ok(error instanceof SyntaxError)
          assert.match(error.message, /at character \d+/)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('headers of any shape', () => {
  const text = fc.string({ unit: fc.constantFrom(...'aZ,|; -()=CNOU\t\xff\xc3\xa9"'), maxLength: 30 })

  it('prove the user that is written, with roles that are, or nobody', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, separator, async (user, roles, rolesSeparator) => {
        const authenticator = forwardedAuthenticator({
          name: 'front',
          header: 'x-user',
          rolesHeader: 'x-roles',
          rolesSeparator,
          nobody: ['(null)', '-'],
          secretHeader: 'x-secret',
          trustedProxies: ['127.0.0.1'],
          readSecret: async () => new Secret('s'),
        })
        const headers = [
          ['X-User', user],
          ['X-Roles', roles],
          ['X-Secret', 's'],
        ] as const
        const outcome = await authenticator.authenticate(authenticationRequest({ headers, peerAddress: '127.0.0.1' }))
        if (outcome.kind !== 'proven') return
        const decoded = Buffer.from(roles, 'latin1').toString()
        const written = decoded.split(rolesSeparator ?? ',').map((role) => role.trim())
        assert.equal(outcome.identity.subject, Buffer.from(user, 'latin1').toString())
        assert.notEqual(outcome.identity.subject, '-')
        for (const role of outcome.identity.roles) assert.ok(written.includes(role))
      }),
      { numRuns: 1000 },
    )
  })
})
