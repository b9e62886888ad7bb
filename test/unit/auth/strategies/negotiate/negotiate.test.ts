/** Kerberos by SPNEGO without a realm: what is believed of GSSAPI's answers, replays, and the start. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authenticate } from '../../../../../auth/authenticate.ts'
import { InvalidConfiguration } from '../../../../../auth/errors.ts'
import { kerberosLoader } from '../../../../../auth/strategies/negotiate/kerberos-loader.ts'
import { type NegotiateOptions, negotiateAuthenticator } from '../../../../../auth/strategies/negotiate/negotiate.ts'
import { authenticationRequest } from '../../../../support/authentication-request.ts'
import { base64, FakeKerberos, made, negotiate, refusal } from '../../../../support/fake-kerberos.ts'
import { answerToken, element, firstToken, kerberosToken, NTLM_TOKEN, OID } from '../../../../support/spnego.ts'
import { until } from '../../../../support/until.ts'

describe('negotiate', () => {
  it('takes a Kerberos ticket, and gives the token that proves the gateway to the client', async () => {
    const { authenticator, kerberos } = await made()
    assert.deepEqual(await authenticator.authenticate(negotiate(firstToken())), {
      kind: 'proven',
      carrier: 'authorization',
      identity: {
        issuer: 'EXAMPLE.COM',
        subject: 'joe@EXAMPLE.COM',
        authenticator: 'realm',
        roles: [],
        claims: {},
        fromCookie: false,
      },
      responseHeaders: { 'WWW-Authenticate': `Negotiate ${base64(answerToken())}` },
    })
    assert.deepEqual(kerberos.tokens, [base64(firstToken())])
  })

  for (const [service, expected] of [
    ['HTTP', 'HTTP'],
    ['HTTP@gate.example.com', 'HTTP@gate.example.com'],
    ['HTTP/gate.example.com', 'HTTP@gate.example.com'],
    ['HTTP/gate.example.com@EXAMPLE.COM', 'HTTP@gate.example.com'],
  ] as const) {
    it(`asks for the key of ${service} as GSSAPI writes it`, async () => {
      const { kerberos } = await made({ options: { service } })
      assert.deepEqual(kerberos.services, [expected])
    })
  }

  it('drops the realm where it is told to, and keeps it as the issuer', async () => {
    const { authenticator } = await made({ options: { subject: 'name' } })
    const outcome = await authenticator.authenticate(negotiate(firstToken()))
    assert.ok(outcome.kind === 'proven')
    assert.deepEqual([outcome.identity.subject, outcome.identity.issuer], ['joe', 'EXAMPLE.COM'])
  })

  for (const [what, token] of [
    ['the number that Windows gives Kerberos', firstToken({ mechanisms: [OID.kerberosOfWindows, OID.kerberos] })],
    ['NTLM as a second choice', firstToken({ mechanisms: [OID.kerberos, OID.ntlm] })],
    ['flags', firstToken({ before: [element(0xa1, element(0x03, Buffer.from([1, 0x40])))] })],
    ['a checksum', firstToken({ after: [element(0xa3, element(0x04, Buffer.from('sum')))] })],
    ['a long ticket', firstToken({ token: kerberosToken('x'.repeat(12_000)) })],
  ] as const) {
    it(`takes a token with ${what}`, async () => {
      const { authenticator } = await made()
      assert.equal((await authenticator.authenticate(negotiate(token))).kind, 'proven')
    })
  }

  it('challenges with the scheme alone, also after a refusal', async () => {
    const { authenticator } = await made()
    assert.equal(authenticator.challenge, 'Negotiate')
    await assert.rejects(authenticate([authenticator], authenticationRequest()), {
      code: 'missing',
      challenges: ['Negotiate'],
    })
    await assert.rejects(authenticate([authenticator], negotiate(NTLM_TOKEN)), {
      code: 'malformed',
      challenges: ['Negotiate'],
    })
  })
})

describe('what GSSAPI says', () => {
  it('is told to operators, on one line, bounded and without the token', async () => {
    const { authenticator, kerberos } = await made()
    kerberos.complaint = `Ticket expired\r\n${'x'.repeat(1000)}`
    const detail = await refusal(authenticator.authenticate(negotiate(firstToken())))
    assert.match(detail, /^Kerberos refused: Ticket expired x+$/)
    assert.ok(detail.length < 500)
  })

  for (const [what, say, detail] of [
    ['it wants another round', { contextComplete: false }, /one round/],
    ['it does not say that it is done', { contextComplete: undefined }, /one round/],
    ['its answer wants another round', { response: base64(answerToken(1)) }, /one round/],
    ['its answer refuses', { response: base64(answerToken(2)) }, /one round/],
    ['its answer wants a checksum', { response: base64(answerToken(3)) }, /one round/],
    ['its answer is none', { response: null }, /one round/],
    ['its answer is something else', { response: base64(kerberosToken('joe')) }, /one round/],
    ['it names nobody', { username: null }, /one round/],
    ['the realm is another', { username: 'joe@EVIL.EXAMPLE' }, /realm EVIL\.EXAMPLE/],
    ['the realm is in other letters', { username: 'joe@example.com' }, /realm example\.com/],
    ['there is no realm', { username: 'joe' }, /realm /],
    ['the realm is empty', { username: 'joe@' }, /realm /],
    ['the name is empty', { username: '@EXAMPLE.COM' }, /not of the form/],
    ['there are two realms', { username: 'joe@EXAMPLE.COM@EXAMPLE.COM' }, /not of the form/],
    ['the name holds an escaped @', { username: 'joe\\@EXAMPLE.COM@EXAMPLE.COM' }, /not of the form/],
    ['the name holds an escaped /', { username: 'joe\\/x@EXAMPLE.COM' }, /not of the form/],
    ['the name is not UTF-8', { username: 'jo\ufffde@EXAMPLE.COM' }, /not of the form/],
    ['the name has a line break', { username: 'joe\n@EXAMPLE.COM' }, /control characters/],
    ['the name has space before it', { username: ' joe@EXAMPLE.COM' }, /space/],
    ['the name is too long', { username: `${'j'.repeat(250)}@EXAMPLE.COM` }, /longer/],
    ['the ticket is anonymous', { username: 'WELLKNOWN/ANONYMOUS@EXAMPLE.COM' }, /nobody/],
  ] as const) {
    it(`refuses when ${what}`, async () => {
      const { authenticator, kerberos } = await made()
      kerberos.say = say
      assert.match(await refusal(authenticator.authenticate(negotiate(firstToken()))), detail)
    })
  }

  it('comes within a deadline, else it is a failure of the gateway', async () => {
    const { authenticator, kerberos } = await made({ deadlineMs: 20 })
    kerberos.until = new Promise(() => undefined)
    await assert.rejects(authenticator.authenticate(negotiate(firstToken())), /GSSAPI took longer than 20 ms/)
    await assert.rejects(authenticate([authenticator], negotiate(firstToken({ token: kerberosToken('b') }))), {
      code: 'rejected',
    })
  })

  it('is a failure of the gateway when the key is gone', async () => {
    const { authenticator, kerberos } = await made()
    kerberos.keyIsGone = true
    await assert.rejects(authenticator.authenticate(negotiate(firstToken())), /No key table entry/)
  })
})

describe('a ticket', () => {
  it('proves somebody once, whatever envelope it comes in', async () => {
    const { authenticator, kerberos } = await made()
    assert.equal((await authenticator.authenticate(negotiate(firstToken()))).kind, 'proven')
    for (const token of [firstToken(), firstToken({ mechanisms: [OID.kerberosOfWindows, OID.kerberos] })]) {
      assert.match(await refusal(authenticator.authenticate(negotiate(token))), /replay/)
    }
    assert.equal(kerberos.tokens.length, 1)
    const other = await authenticator.authenticate(negotiate(firstToken({ token: kerberosToken('another') })))
    assert.equal(other.kind, 'proven')
  })

  it('proves somebody once also when it comes twice at the same time', async () => {
    const { authenticator } = await made()
    const outcomes = await Promise.all([1, 2, 3].map(() => authenticator.authenticate(negotiate(firstToken()))))
    assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), ['proven', 'refused', 'refused'])
  })

  it('counts as shown when its answer came too late', async () => {
    const { authenticator, kerberos } = await made({ deadlineMs: 20 })
    const resolve = kerberos.hold()
    await assert.rejects(authenticator.authenticate(negotiate(firstToken())))
    resolve()
    assert.match(await refusal(authenticator.authenticate(negotiate(firstToken()))), /replay/)
  })

  it('is remembered for ten minutes', async () => {
    let nowMs = 0
    const { authenticator, kerberos } = await made({ now: () => nowMs })
    await authenticator.authenticate(negotiate(firstToken()))
    nowMs = 599_999
    assert.match(await refusal(authenticator.authenticate(negotiate(firstToken()))), /replay/)
    nowMs = 600_000
    await authenticator.authenticate(negotiate(firstToken()))
    assert.equal(kerberos.tokens.length, 2)
  })

  it('is not remembered when Kerberos refused it', async () => {
    const { authenticator, kerberos } = await made()
    kerberos.complaint = 'Clock skew too great'
    await refusal(authenticator.authenticate(negotiate(firstToken())))
    kerberos.complaint = undefined
    assert.equal((await authenticator.authenticate(negotiate(firstToken()))).kind, 'proven')
  })

  it('waits in a bounded line, two at a time', async () => {
    const { authenticator, kerberos } = await made()
    const resolve = kerberos.hold()
    const first = Array.from({ length: 66 }, (_, index) =>
      authenticator.authenticate(negotiate(firstToken({ token: kerberosToken(`person ${index}`) }))),
    )
    await until(() => kerberos.tokens.length === 2, 'two under way')
    const late = await authenticator.authenticate(negotiate(firstToken({ token: kerberosToken('late') })))
    assert.ok(late.kind === 'refused' && late.retryAfterSeconds === 1)
    assert.equal(kerberos.tokens.length, 2)
    resolve()
    assert.ok((await Promise.all(first)).every(({ kind }) => kind === 'proven'))
  })
})

describe('the start', () => {
  const options: NegotiateOptions = { name: 'realm', service: 'HTTP', realms: ['A', 'B'], subject: 'principal' }
  const starts = (load: () => Promise<unknown>, more: Partial<NegotiateOptions> = {}) =>
    negotiateAuthenticator({ ...options, ...more }, { load })

  it('says how to get the package where it is not there', async () => {
    const load = () => Promise.reject(new Error("Cannot find package 'kerberos'"))
    await assert.rejects(starts(load), (error) => {
      assert.ok(error instanceof InvalidConfiguration)
      assert.match(error.message, /npm install kerberos.*libkrb5-dev.*Cannot find package/)
      return true
    })
  })

  for (const loaded of [undefined, null, {}, { default: {} }, { default: null }]) {
    it(`does not take ${JSON.stringify(loaded)} for the package`, async () => {
      await assert.rejects(
        starts(async () => loaded),
        /not version 7/,
      )
    })
  }

  it('says that the key is not in the key table', async () => {
    const kerberos = new FakeKerberos()
    kerberos.keyIsGone = true
    await assert.rejects(made({ kerberos }), /keytab: no key for HTTP@gate\.example\.com .*No key table entry/)
  })

  it('drops no realm where there are several', async () => {
    await assert.rejects(
      starts(async () => new FakeKerberos(), { subject: 'name' }),
      /one realm/,
    )
  })

  it('hands GSSAPI the key table before the package is loaded', async () => {
    const env: NodeJS.ProcessEnv = { KRB5RCACHETYPE: 'dfl', KRB5RCACHENAME: 'file2:replays/none' }
    const load = async (module: string) => `${module} with ${env['KRB5_KTNAME']}`
    assert.equal(
      await kerberosLoader('/etc/http.keytab', { load, processEnv: env })(),
      'kerberos with FILE:/etc/http.keytab',
    )
  })

  it("leaves the system's key table where none is named", async () => {
    const env: NodeJS.ProcessEnv = { KRB5_KTNAME: 'FILE:/etc/own.keytab' }
    await kerberosLoader(undefined, { load: async () => ({}), processEnv: env })()
    assert.equal(env['KRB5_KTNAME'], 'FILE:/etc/own.keytab')
  })

  for (const [name, value] of [
    ['KRB5RCACHETYPE', 'none'],
    ['KRB5RCACHENAME', 'none:'],
  ] as const) {
    it(`does not go on without Kerberos' replay cache: ${name}=${value}`, async () => {
      const load = kerberosLoader('/etc/http.keytab', {
        load: async () => new FakeKerberos(),
        processEnv: { [name]: value },
      })
      await assert.rejects(load(), (error) => error instanceof InvalidConfiguration && error.message.includes(name))
    })
  }
})
