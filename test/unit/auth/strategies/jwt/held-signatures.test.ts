/** A signature is verified once for each key: never less, and no claim is taken for granted with it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeldSignatures } from '../../../../../auth/strategies/jwt/held-signatures.ts'
import { openToken } from '../../../../../auth/strategies/jwt/signature.ts'
import { forgeKey, publicJwk, signToken } from '../../../../support/token-forge.ts'

const ISSUER = 'https://idp.example.com'
const [key, other] = [forgeKey('ES256'), forgeKey('ES256')]
const claims = { iss: ISSUER, sub: 'joe.smith' }

describe('a signature that has held', () => {
  const token = signToken({ alg: 'ES256' }, claims, key)

  /** Opens with these keys; counts verifications. */
  async function open(what: string, ...jwks: object[]): Promise<{ opened: boolean; verified: number }> {
    const { subtle } = globalThis.crypto
    const verify = subtle.verify
    let verified = 0
    subtle.verify = (...parts: Parameters<typeof verify>) => {
      verified++
      return verify.apply(subtle, parts)
    }
    try {
      const policy = { issuer: ISSUER, keys: { find: async () => jwks }, algorithms: ['ES256'], types: [''] } as const
      const opened = openToken(what, policy as never).then(
        () => true,
        () => false,
      )
      return { opened: await opened, verified }
    } finally {
      subtle.verify = verify
    }
  }

  it('is not verified again with the same key', async () => {
    const jwk = Object.freeze(publicJwk(key))
    assert.deepEqual(await open(token, jwk), { opened: true, verified: 1 })
    assert.deepEqual(await open(token, jwk), { opened: true, verified: 0 })
  })

  it('is verified again with a key that was fetched anew', async () => {
    await open(token, Object.freeze(publicJwk(key)))
    assert.deepEqual(await open(token, Object.freeze(publicJwk(key))), { opened: true, verified: 1 })
  })

  it('says nothing of a key that has left the set', async () => {
    await open(token, Object.freeze(publicJwk(key)))
    assert.deepEqual(await open(token, Object.freeze(publicJwk(other))), { opened: false, verified: 1 })
    assert.deepEqual(await open(token), { opened: false, verified: 0 })
  })

  it('says nothing of the same token with another signature, header or payload', async () => {
    const jwk = Object.freeze(publicJwk(key))
    await open(token, jwk)
    const [header = '', payload = '', signature = ''] = token.split('.')
    const foreign = signToken({ alg: 'ES256' }, claims, other).split('.')[2] ?? ''
    const admin = Buffer.from(JSON.stringify({ ...claims, sub: 'admin' })).toString('base64url')
    const typed = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'JWT' })).toString('base64url')
    for (const forged of [`${header}.${payload}.${foreign}`, `${header}.${admin}.${signature}`])
      assert.deepEqual(await open(forged, jwk), { opened: false, verified: 1 }, forged)
    assert.equal((await open(`${typed}.${payload}.${signature}`, jwk)).opened, false)
  })

  it('does not become one by failing often', async () => {
    const jwk = Object.freeze(publicJwk(other))
    for (const _ of [1, 2, 3]) assert.deepEqual(await open(token, jwk), { opened: false, verified: 1 })
  })
})

describe('HeldSignatures', () => {
  it('remembers so many of each key, and forgets the oldest', () => {
    const held = new HeldSignatures(2)
    const [one, two] = [{ kty: 'EC' }, { kty: 'EC' }]
    for (const token of ['a', 'b', 'c']) held.add(token, one, 'ES256')
    held.add('a', two, 'ES256')
    const known = (token: string, jwk: object) => held.has(token, jwk, 'ES256')
    assert.deepEqual(
      ['a', 'b', 'c'].map((token) => known(token, one)),
      [false, true, true],
    )
    assert.equal(known('a', two), true)
  })

  it('takes an algorithm for a part of what held', () => {
    const held = new HeldSignatures()
    const jwk = { kty: 'RSA' }
    held.add('a', jwk, 'RS256')
    assert.deepEqual([held.has('a', jwk, 'PS256'), held.has('a', jwk, 'RS256')], [false, true])
  })
})
