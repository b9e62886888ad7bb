/** Key sets over plain http: from private addresses, whatever names lead to them, and from nowhere else. */
import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { fetchInsecureKeySet, keySetUrlProblem } from '../../../../../auth/strategies/jwt/jwks-fetch.ts'
import { jwtAuthenticator } from '../../../../../auth/strategies/jwt/jwt.ts'
import { isPublicAddress, privateFetch, type Resolve } from '../../../../../auth/strategies/jwt/private-fetch.ts'
import { authenticationRequest } from '../../../../support/authentication-request.ts'
import { forgeKey, publicJwk, signToken } from '../../../../support/token-forge.ts'

const key = forgeKey('ES256', 'first')
const document = { keys: [publicJwk(key)] }

let server: Server
let port = 0
let asked: string[] = []
let answer: (response: ServerResponse) => void

before(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.headers.host} ${request.headers.accept}`)
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})

beforeEach(() => {
  asked = []
  answer = (response) => void response.end(JSON.stringify(document))
})

after(() => {
  server.closeAllConnections()
  server.close()
})

/** Every name is at these addresses. */
const at =
  (...addresses: string[]): Resolve =>
  (_hostname, _options, callback) =>
    callback(
      null,
      addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

const load = (url: string, resolve: Resolve) =>
  fetchInsecureKeySet(privateFetch(resolve), url, new AbortController().signal)

describe('isPublicAddress', () => {
  it('knows loopback, private use and unique local addresses', () => {
    for (const host of ['127.0.0.1', '10.9.9.9', '172.16.0.1', '172.31.255.255', '192.168.1.1', '[::1]', '[fd12::1]']) {
      assert.equal(isPublicAddress(host), false, host)
    }
    for (const host of ['[::ffff:10.0.0.1]', '[fc00::1]']) assert.equal(isPublicAddress(host), false, host)
    for (const host of ['172.15.0.1', '172.32.0.1', '192.169.0.1', '8.8.8.8', '100.64.0.1', '169.254.169.254']) {
      assert.equal(isPublicAddress(host), true, host)
    }
    for (const host of ['0.0.0.0', '[::]', '[2001:db8::1]', '[fe80::1]', '[::ffff:8.8.8.8]']) {
      assert.equal(isPublicAddress(host), true, host)
    }
    assert.equal(isPublicAddress('keycloak'), false)
  })
})

describe('keySetUrlProblem', () => {
  it('lets http come from a name or a private address, where that was asked for', () => {
    for (const url of ['http://keycloak:8080/keys', 'http://10.0.0.7/keys', 'http://[fd00::7]/keys']) {
      assert.equal(keySetUrlProblem(url, true), undefined, url)
      assert.match(keySetUrlProblem(url, false) ?? '', /https:.*insecureKeySet: true/, url)
    }
    for (const url of ['https://idp.example.com/keys', 'http://127.0.0.1/keys', 'http://localhost/keys']) {
      assert.equal(keySetUrlProblem(url, false), undefined, url)
    }
  })

  it('G63 lets nothing else', () => {
    // 0x08080808 and 134744072 are written as 8.8.8.8 by the URL's parser.
    for (const url of ['http://8.8.8.8/keys', 'http://0x08080808/', 'http://134744072/', 'http://[2001:db8::1]/keys']) {
      assert.match(keySetUrlProblem(url, true) ?? '', /private addresses only/, url)
    }
    for (const url of ['ftp://10.0.0.7/keys', 'file:///etc/keys', 'http://u:p@10.0.0.7/', 'http://:p@10.0.0.7/', 'x']) {
      assert.notEqual(keySetUrlProblem(url, true), undefined, url)
    }
  })
})

describe('privateFetch', () => {
  it('fetches from a name that has private addresses only', async () => {
    assert.deepEqual(await load(`http://keycloak:${port}/keys`, at('127.0.0.1')), document)
    assert.deepEqual(asked, [`GET keycloak:${port} application/json`])
  })

  it('G63 never connects to a name that has a public address among others', async () => {
    for (const addresses of [['8.8.8.8'], ['127.0.0.1', '8.8.8.8'], ['8.8.8.8', '127.0.0.1'], ['::', '127.0.0.1']]) {
      await assert.rejects(load(`http://keycloak:${port}/keys`, at(...addresses)), /no private address/)
    }
    await assert.rejects(load(`http://8.8.8.8:${port}/keys`, at('127.0.0.1')), /private addresses only/)
    await assert.rejects(load(`http://keycloak:${port}/keys`, at()), /no address/)
    assert.deepEqual(asked, [])
  })

  it('G63 looks a name up again for every connection', async () => {
    const answers = [['127.0.0.1'], ['8.8.8.8']]
    const rebinding: Resolve = (hostname, options, callback) =>
      at(...(answers.shift() ?? []))(hostname, options, callback)
    assert.deepEqual(await load(`http://keycloak:${port}/keys`, rebinding), document)
    await assert.rejects(load(`http://keycloak:${port}/keys`, rebinding), /8\.8\.8\.8/)
  })

  it('follows no redirect, and takes no more than it should', async () => {
    const url = `http://keycloak:${port}/keys`
    answer = (response) => void response.writeHead(302, { location: 'http://8.8.8.8/' }).end()
    await assert.rejects(load(url, at('127.0.0.1')), /status 302/)
    answer = (response) => void response.writeHead(503).end('later')
    await assert.rejects(load(url, at('127.0.0.1')), /status 503/)
    answer = (response) => void response.end(`"${'x'.repeat(300_000)}"`)
    await assert.rejects(load(url, at('127.0.0.1')), /more than 262144 bytes/)
    const fetch = privateFetch(at('127.0.0.1'))
    answer = () => undefined
    await assert.rejects(fetchInsecureKeySet(fetch, url, AbortSignal.timeout(50)), /timeout/)
    answer = (response) => void response.write('{"keys":')
    await assert.rejects(fetchInsecureKeySet(fetch, url, AbortSignal.timeout(50)), /timeout|abort/)
    answer = (response) => void response.write('{"keys":', () => response.destroy())
    await assert.rejects(load(url, at('127.0.0.1')))
  })
})

describe('an issuer that is a name', () => {
  const names = ['http://adfs.example.com/adfs/services/trust', 'accounts.google.com', 'urn:example:idp']
  for (const issuer of names) {
    it(`is compared as it is written: ${issuer}`, async () => {
      const sso = jwtAuthenticator(
        {
          name: 'sso',
          issuer,
          audience: ['amqp'],
          jwksUri: `http://keycloak:${port}/keys`,
          insecureKeySet: true,
          algorithms: ['ES256'],
          subject: 'sub',
          from: ['bearer'],
        },
        { readFile: async () => Buffer.alloc(0), observe: () => undefined, resolve: at('127.0.0.1') },
      )
      const prove = (iss: string) => {
        const claims = { iss, aud: 'amqp', sub: 'joe', exp: Math.floor(Date.now() / 1000) + 60 }
        const token = signToken({ alg: key.alg, kid: key.kid }, claims, key)
        return sso.authenticate(authenticationRequest({ headers: [['Authorization', `Bearer ${token}`]] }))
      }
      const proven = await prove(issuer)
      assert.equal(proven.kind === 'proven' && proven.identity.issuer, issuer)
      assert.equal((await prove(`${issuer}/`)).kind, 'refused')
      sso.close?.()
    })
  }
})
