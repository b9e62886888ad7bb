/** The Basic header against an independent encoder: every credential comes through whole, no garbage comes through. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readBasicHeader } from '../../auth/strategies/basic/header.ts'
import { authenticationRequest } from '../support/authentication-request.ts'

const read = (value: string) => readBasicHeader(authenticationRequest({ headers: [['authorization', value]] }).http)
const clean = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => !/\p{Cc}|\p{Cs}/u.test(text))
const scheme = fc.mixedCase(fc.constant('basic'))

describe('any Basic header', () => {
  it('gives back exactly the name and the password', () => {
    fc.assert(
      fc.property(scheme, fc.integer({ min: 1, max: 5 }), clean, clean, (word, spaces, name, password) => {
        const user = name.replaceAll(':', '') || 'x'
        const encoded = btoa(String.fromCharCode(...new TextEncoder().encode(`${user}:${password}`)))
        assert.deepEqual(read(`${word}${' '.repeat(spaces)}${encoded}`), { kind: 'present', user, password })
      }),
      { numRuns: 1000 },
    )
  })

  it('lets no control character and no broken text through', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const outcome = read(`Basic ${Buffer.from(bytes).toString('base64')}`)
        if (outcome.kind !== 'present') return
        const whole = `${outcome.user}:${outcome.password}`
        assert.deepEqual(Buffer.from(whole), Buffer.from(bytes))
        assert.doesNotMatch(whole, /\p{Cc}/u)
      }),
      { numRuns: 2000 },
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (rest) => {
        read(`Basic ${rest}`)
        read(rest)
      }),
    )
  })
})
