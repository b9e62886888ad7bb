/** What GSSAPI never sees: tokens that are no Kerberos ticket in SPNEGO, and headers that are no token. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authenticationRequest } from '../../../../support/authentication-request.ts'
import { base64, made, negotiate, refusal } from '../../../../support/fake-kerberos.ts'
import { answerToken, element, firstToken, kerberosToken, NTLM_TOKEN, OID, oid } from '../../../../support/spnego.ts'

describe('what GSSAPI never sees', () => {
  const good = base64(firstToken())
  for (const [what, value] of [
    ['no token', 'Negotiate'],
    ['an empty token', 'Negotiate '],
    ['two tokens', `Negotiate ${good} ${good}`],
    ['two tokens with a comma', `Negotiate ${good}, Negotiate ${good}`],
    ['two spaces', `Negotiate  ${good}`],
    ['base64 of URLs', `Negotiate ${good.slice(0, -4)}-_==`],
    ['base64 that nobody would write', 'Negotiate YB=='],
    ['too little padding', `Negotiate ${base64(Buffer.from('ab')).replace('=', '')}`],
    ['a token of 24 KiB and more', `Negotiate ${base64(firstToken({ token: kerberosToken('x'.repeat(18_500)) }))}`],
    ['an unbounded token', `Negotiate ${'A'.repeat(1_000_000)}`],
  ] as const) {
    it(`is ${what}`, async () => {
      const { authenticator, kerberos } = await made()
      const request = authenticationRequest({ headers: [['Authorization', value]] })
      const outcome = await authenticator.authenticate(request)
      assert.ok(outcome.kind === 'refused' && outcome.malformed === true)
      assert.deepEqual(kerberos.tokens, [])
    })
  }

  const whole = firstToken()
  const indefinite = Buffer.concat([Buffer.from([0x60, 0x80]), whole.subarray(2), Buffer.from([0, 0])])
  for (const [what, token, detail] of [
    ['NTLM', NTLM_TOKEN, /^NTLM/],
    ['NTLM within SPNEGO', firstToken({ mechanisms: [OID.ntlm], token: NTLM_TOKEN }), /^NTLM within/],
    ['NTLM that is called Kerberos', firstToken({ token: NTLM_TOKEN }), /^NTLM within/],
    ['another first choice', firstToken({ mechanisms: [OID.ntlm, OID.kerberos] }), /first choice/],
    ['SPNEGO without a token inside', firstToken({ token: null }), /no Kerberos token/],
    ['a bare Kerberos token', kerberosToken('joe'), /where SPNEGO is needed/],
    ['another mechanism', firstToken({ outer: OID.ntlm }), /another mechanism/],
    [
      'a token of another mechanism inside',
      firstToken({ token: kerberosToken('joe', { mechanism: OID.ntlm }) }),
      /inside/,
    ],
    ['an AP-REP', firstToken({ token: kerberosToken('joe', { kind: '0200' }) }), /no AP-REQ/],
    ["an acceptor's answer", answerToken(), /no element/],
    ['no list of mechanisms', element(0x60, oid(OID.spnego), element(0xa0, element(0x30))), /no element/],
    ['an empty list of mechanisms', firstToken({ mechanisms: [] }), /no element/],
    ['bytes behind it', Buffer.concat([whole, Buffer.from([0])]), /bytes after/],
    ['less than all of it', whole.subarray(0, -1), /longer than/],
    ['a length without end', indefinite, /length/],
    [
      'a length in a longer form',
      Buffer.concat([Buffer.from([0x60, 0x81, whole.length - 2]), whole.subarray(2)]),
      /shortest/,
    ],
    ['a length of four bytes', Buffer.from('6084ffffffff06', 'hex'), /length/],
    ['one byte', Buffer.from([0x60]), /length/],
    ['text', Buffer.from('joe@EXAMPLE.COM'), /no element/],
  ] as const) {
    it(`is ${what}`, async () => {
      const { authenticator, kerberos } = await made()
      assert.match(await refusal(authenticator.authenticate(negotiate(token))), detail)
      assert.deepEqual(kerberos.tokens, [])
    })
  }

  it('is any token cut short', async () => {
    const { authenticator, kerberos } = await made()
    for (let length = 1; length < whole.length; length += 1) {
      await refusal(authenticator.authenticate(negotiate(whole.subarray(0, length))))
    }
    assert.deepEqual(kerberos.tokens, [])
  })

  it('is a request with two Authorization headers', async () => {
    const { authenticator, kerberos } = await made()
    for (const other of [`Negotiate ${base64(whole)}`, 'Basic am9lOnNlY3JldA==']) {
      const headers = [['Authorization', `negotiate ${base64(whole)}`] as const, ['authorization', other] as const]
      assert.match(await refusal(authenticator.authenticate(authenticationRequest({ headers }))), /more than one/)
      const turned = authenticationRequest({ headers: headers.toReversed() })
      assert.match(await refusal(authenticator.authenticate(turned)), /more than one/)
    }
    assert.deepEqual(kerberos.tokens, [])
  })

  it('is a request of another scheme, or of none', async () => {
    const { authenticator } = await made()
    for (const headers of [[], [['Authorization', 'Basic am9lOnNlY3JldA==']], [['Authorization', 'NegotiateX abc']]]) {
      const request = authenticationRequest({ headers: headers as [string, string][] })
      assert.deepEqual(await authenticator.authenticate(request), { kind: 'absent' })
    }
  })
})
