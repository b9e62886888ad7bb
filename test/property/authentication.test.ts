/** What holds for any token, any address to return to, any name in a certificate. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { subjectAlternativeNames } from '../../auth/strategies/client-certificate/names.ts'
import { parseStrictObject } from '../../auth/strategies/jwt/json.ts'
import { jwtAuthenticator } from '../../auth/strategies/jwt/jwt.ts'
import { returnAddress } from '../../auth/strategies/oidc/return.ts'
import { authenticationRequest } from '../support/authentication-request.ts'
import { forgeKey, publicJwk, signToken } from '../support/token-forge.ts'

const bytes = (text: string) => Buffer.from(text)
const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }), { noNullPrototype: true })

describe('parseStrictObject', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(object, (value) => {
        const text = JSON.stringify(value)
        assert.deepEqual(parseStrictObject(bytes(text), 'it'), JSON.parse(text))
      }),
    )
  })

  it('refuses any key that is there twice, wherever, and however it is written', () => {
    fc.assert(
      fc.property(object, fc.string(), fc.jsonValue(), fc.nat({ max: 3 }), (value, key, other, depth) => {
        const escaped = [...Array(key.length).keys()].map(
          (index) => `\\u${key.charCodeAt(index).toString(16).padStart(4, '0')}`,
        )
        const rest = JSON.stringify({ ...value, [key]: 1 }).slice(1)
        const twice = `{"${escaped.join('')}":${JSON.stringify(other)},${rest}`
        const text = `${'{"a":['.repeat(depth)}${twice}${']}'.repeat(depth)}`
        assert.throws(() => parseStrictObject(bytes(text), 'it'), /twice/)
      }),
    )
  })

  it('throws one kind of error only, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (input) => {
        try {
          parseStrictObject(input, 'it')
        } catch (error) {
          assert.equal((error as Error).name, 'AuthenticationRefused')
        }
      }),
    )
  })
})

describe('returnAddress', () => {
  const hostile = fc.string({
    unit: fc.constantFrom('/', '\\', '.', '%2f', '%5c', '%2e', '@', ':', '?', '#', 'a', ' ', '\t', '\n', 'https:', 'é'),
  })

  it('never leads to another host', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          hostile,
          fc.string(),
          fc.webUrl(),
          hostile.map((text) => `/${text}`),
        ),
        (text) => {
          const address = returnAddress(text, 'https://app.example.com')
          if (address === undefined) return
          // As a browser resolves a Location header, on the gateway's own page.
          const { origin } = new URL(address, 'https://app.example.com/auth/callback')
          assert.equal(origin, 'https://app.example.com')
          assert.match(address, /^https:\/\/app\.example\.com\/[\x21-\x7e]*$/)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('subjectAlternativeNames', () => {
  /** As Node writes them: in quotes wherever a character could end the value. */
  const written = (value: string) =>
    /^[\x21\x23-\x26\x28-\x2b\x2d-\x7e]+$/.test(value) ? value : JSON.stringify(value)
  const kind = fc.constantFrom('URI', 'DNS', 'email', 'IP Address', 'DirName')

  it('finds exactly the names that were written', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, fc.string({ minLength: 1 }))), (names) => {
        const text = names.map(([type, value]) => `${type}:${written(value)}`).join(', ')
        const of = (wanted: string) => names.filter(([type]) => type === wanted).map(([, value]) => value)
        const expected = { uri: of('URI'), dns: of('DNS'), email: of('email') }
        assert.deepEqual(subjectAlternativeNames(text === '' ? undefined : text), expected)
      }),
    )
  })
})

describe('a token', () => {
  const key = forgeKey('ES256', 'key')
  const claims = { iss: 'https://idp.example.com', aud: 'amqp', sub: 'joe', exp: Math.floor(Date.now() / 1000) + 3600 }
  const token = signToken({ alg: 'ES256', kid: 'key', typ: 'JWT' }, claims, key)
  const authenticator = jwtAuthenticator(
    {
      name: 'sso',
      issuer: claims.iss,
      audience: ['amqp'],
      jwksFile: 'keys.json',
      algorithms: ['ES256'],
      subject: 'sub',
      from: ['bearer'],
    },
    { readFile: async () => bytes(JSON.stringify({ keys: [publicJwk(key)] })), observe: () => undefined },
  )
  const kindOf = async (value: string) =>
    (await authenticator.authenticate(authenticationRequest({ headers: [['Authorization', `Bearer ${value}`]] }))).kind

  it('is good, and no other text near it', async () => {
    assert.equal(await kindOf(token), 'proven')
    const at = fc.nat({ max: token.length - 1 })
    const change = fc.oneof(
      fc
        .tuple(at, fc.constantFrom(...'ABCDwxyz0189-_.=+/'))
        .map(([i, c]) => token.slice(0, i) + c + token.slice(i + 1)),
      fc.tuple(at, at).map(([i, j]) => token.slice(Math.min(i, j), Math.max(i, j))),
      fc.tuple(at, fc.constantFrom(...'A.=')).map(([i, c]) => token.slice(0, i) + c + token.slice(i)),
    )
    await fc.assert(
      fc.asyncProperty(change, async (changed) => {
        fc.pre(changed !== token)
        assert.notEqual(await kindOf(changed), 'proven')
      }),
      { numRuns: 1000 },
    )
  })
})
