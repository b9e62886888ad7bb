/** `admin.authenticate` and `admin.roles`: what is a mistake, and where it is said to be. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../../../src/config/reading/load.ts'
import { ConfigError, formatProblem } from '../../../../src/config/reading/problems.ts'

const BASE = `listen: { port: 0 }
brokers: { main: { urls: [amqp://127.0.0.1], credentials: { a: { username: a, password: { env: P } } } } }
authenticators:
  ops: { type: basic, users: {} }
  tickets: { type: ticket }
  certs: { type: clientCertificate }
  sso: { type: oidc, issuer: https://idp.example.com, clientId: gatehouse, publicUrl: https://app.example.com }
services:
  - { path: /amqp, broker: main, vhost: /, anonymous: true, promote: [{ to: a }] }
`

function mistakes(admin: string): string[] {
  try {
    parseConfig(`${BASE}admin: ${admin}\n`, { env: { P: 'x' } })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(formatProblem).filter((line) => line.includes('admin.'))
  }
}

describe('admin.authenticate and admin.roles', () => {
  it('take what services take, with a role for somebody', () => {
    assert.deepEqual(mistakes('{ authenticate: ops, roles: { viewer: { role: support } } }'), [])
    const login = 'authenticate: [sso], roles: { viewer: { role: support } }'
    assert.deepEqual(mistakes(`{ ${login}, publicUrl: https://console.example.com/gate }`), [])
    assert.deepEqual(mistakes('{ authenticate: [{ all: [ops] }], roles: { operator: { subject: ann } } }'), [])
  })

  for (const [what, admin, expected] of [
    [
      'an authenticator that is none',
      '{ authenticate: [op], roles: { viewer: { role: a } } }',
      /admin\.authenticate\[0\].*no such authenticator/,
    ],
    ['tickets', '{ authenticate: [tickets], roles: { viewer: { role: a } } }', /admin\.authenticate\[0\].*ticket/],
    [
      'tickets within all',
      '{ authenticate: [{ all: [ops, tickets] }], roles: { viewer: { role: a } } }',
      /all\[1\].*ticket/,
    ],
    [
      'certificates without TLS',
      '{ authenticate: [certs], roles: { viewer: { role: a } } }',
      /asks for no client certificates/,
    ],
    [
      'anonymous, which is no authenticator',
      '{ authenticate: [anonymous], roles: { viewer: { role: a } } }',
      /no such authenticator/,
    ],
    [
      'a login that leads back to nowhere',
      '{ authenticate: [sso], roles: { viewer: { role: a } } }',
      /admin\.authenticate\[0\].*set `admin\.publicUrl`/,
    ],
    [
      'a public URL that anybody on the way can read',
      '{ authenticate: [sso], roles: { viewer: { role: a } }, publicUrl: http://console.example.com }',
      /admin\.publicUrl.*expected https/,
    ],
    [
      'a public URL with a query',
      '{ authenticate: [sso], roles: { viewer: { role: a } }, publicUrl: "https://console.example.com/?a=b" }',
      /admin\.publicUrl.*without query/,
    ],
    ['a public URL without authenticators', '{ publicUrl: https://c.example }', /admin\.publicUrl.*without meaning/],
    ['no role for anybody', '{ authenticate: [ops] }', /admin\.roles.*missing/],
    ['an empty condition', '{ authenticate: [ops], roles: { viewer: {} } }', /admin\.roles\.viewer.*everybody/],
    [
      'a condition that can never hold',
      '{ authenticate: [ops], roles: { viewer: { claim: {} } } }',
      /admin\.roles\.viewer\.claim/,
    ],
    ['roles without authenticators', '{ roles: { viewer: { role: a } } }', /admin\.roles.*without meaning/],
    ['origins without authenticators', '{ origins: [https://a.example] }', /admin\.origins.*without meaning/],
    ['any origin', '{ authenticate: [ops], roles: { viewer: { role: a } }, origins: ["*"] }', /admin\.origins\[0\]/],
    ['another role', '{ authenticate: [ops], roles: { root: { role: a } } }', /admin\.roles\.root/],
  ] as const) {
    it(`refuse ${what}`, () => {
      const found = mistakes(admin)
      assert.ok(
        found.some((line) => expected.test(line)),
        found.join('\n') || 'nothing was refused',
      )
    })
  }
})
