/** What a page of another origin is told that it may send. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { preflightHeaders } from '../../../../../src/http/auth/cors.ts'

const ORIGIN = 'https://app.example.com'
const identityHeaders = ['x-forwarded-user', 'x-forwarded-groups', 'x-gatehouse-secret']

function allowed(asked: string | undefined): string | undefined {
  return preflightHeaders(ORIGIN, { methods: ['POST'], asked, identityHeaders })['Access-Control-Allow-Headers']
}

describe('a preflight of a listed page', () => {
  it('allows any header that was asked for, and none that was not', () => {
    assert.equal(allowed('authorization'), 'authorization')
    assert.equal(
      allowed('authorization,traceparent, X-Sentry-Trace ,b3'),
      'authorization, traceparent, x-sentry-trace, b3',
    )
    assert.equal(allowed(undefined), undefined)
    assert.equal(allowed(''), undefined)
  })

  it('G33 allows none by which a proxy says who somebody is, in any spelling', () => {
    for (const name of [
      'x-forwarded-user',
      'X-Forwarded-User',
      'x_forwarded_user',
      'X-FORWARDED_groups',
      'x-gatehouse-secret',
    ]) {
      assert.equal(allowed(`traceparent, ${name}, authorization`), 'traceparent, authorization')
      assert.equal(allowed(name), undefined)
    }
  })

  it('G33 allows nothing where the list is too long or holds what is no name', () => {
    for (const list of ['a b', 'a\r\nSet-Cookie: b', 'a,,b', 'é', 'a:b', '"a"', `a${',a'.repeat(512)}`])
      assert.equal(allowed(list), undefined)
    assert.notEqual(allowed(`a${',a'.repeat(511)}`), undefined)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (list) =>
        assert.match(allowed(list) ?? 'a', /^[!-+.-~-]+(?:, [!-+.-~-]+)*$/),
      ),
    )
  })
})
