/** The page for somebody whose login came to nothing. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { loginPage, PAGE_HEADERS, wantsPage } from '../../../../../src/http/auth/login-page.ts'

const REASONS = ['cancelled', 'expired', 'refused', 'unavailable', 'unknown', 'malformed', 'barred'] as const

describe('the page of a failed login', () => {
  for (const reason of REASONS) {
    it(`says in plain words: ${reason}`, () => {
      const page = loginPage({ reason })
      assert.match(page, /<html lang="en">/)
      assert.match(page, /<h1>[A-Z][^<]+<\/h1>\n<p>[A-Z][^<]+\.<\/p>/)
      assert.doesNotMatch(page, /OpenID|OAuth|token|state|PKCE|<script|<a/)
    })
  }

  it('G91 allows its own style, and nothing else', () => {
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(loginPage({ reason: 'expired' })) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    assert.equal(
      PAGE_HEADERS['Content-Security-Policy'],
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
  })

  it('G91 makes no markup of the way back', () => {
    const page = loginPage({ reason: 'expired', again: `/auth/login?a="><script>alert(1)</script>&b='` })
    assert.match(page, /<a href="\/auth\/login\?a=&quot;&gt;&lt;script&gt;alert\(1\)&lt;\/script&gt;&amp;b=&#39;">/)
  })

  it('is for browsers: programs get JSON', () => {
    const wants = (accept: string | undefined) =>
      wantsPage({ headers: accept === undefined ? {} : { accept } } as IncomingMessage)
    assert.equal(wants('text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'), true)
    assert.equal(wants('application/json;q=0.9, TEXT/HTML;q=1'), true)
    for (const accept of [undefined, '', '*/*', 'application/json', 'text/plain', 'text/htmlx']) {
      assert.equal(wants(accept), false, accept)
    }
  })
})
