/** Names and paths of claims: what they find, and which are mistakes, in every place that takes one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stringify } from 'yaml'
import { claimPath, claimPathProblem } from '../../../auth/claim-path.ts'
import { compileMatch } from '../../../auth/promotion/conditions/match.ts'
import { compileTemplate, plain } from '../../../auth/promotion/conditions/variables.ts'
import { compileCredential } from '../../../auth/promotion/credentials/credentials.ts'
import { parseConfig } from '../../../src/config/reading/load.ts'
import { ConfigError } from '../../../src/config/reading/problems.ts'

const claims = {
  resource_access: { 'com.example.app': { roles: ['trader'] } },
  'kubernetes.io': { serviceaccount: { name: 'press' } },
  'https://example.com/roles': ['ops'],
  realm_access: { roles: ['viewer'] },
  'a.b': 'whole',
  a: { b: 'nested', 'x"y\\z': 1 },
  list: ['0'],
}
const find = (path: string) => claimPath(path).find(claims)
const identity = { issuer: 'sso', subject: 'joe', authenticator: 'sso', roles: [], claims, fromCookie: false }
const facts = { identity, address: '203.0.113.7', session: 's1' }

describe('claimPath', () => {
  it('finds keys with dots of their own in quotes', () => {
    assert.deepEqual(find('resource_access."com.example.app".roles'), ['trader'])
    assert.equal(find('"kubernetes.io".serviceaccount.name'), 'press')
    assert.equal(find('"kubernetes.io"."serviceaccount"."name"'), 'press')
    assert.equal(find('a."x\\"y\\\\z"'), 1)
  })

  it('goes on finding what it found before: first the claim of that name, then the path', () => {
    assert.deepEqual(find('https://example.com/roles'), ['ops'])
    assert.deepEqual(find('realm_access.roles'), ['viewer'])
    assert.equal(find('a.b'), 'whole')
    assert.equal(find('"a".b'), 'nested')
    assert.equal(find('"a.b"'), 'whole')
  })

  it('finds nothing that is inherited, in a list, in a text, or not there', () => {
    for (const path of [
      'constructor',
      'a.toString',
      '__proto__',
      'list.0',
      'list.length',
      'a.b.c',
      'a..b',
      '"a"."c"',
    ]) {
      assert.equal(find(path), undefined, path)
    }
  })

  for (const [path, why] of [
    ['a."b', /character 3 .*has no end/],
    ['a."b\\"', /has no end/],
    ['a."".b', /empty/],
    ['"a"b', /expected a dot.*character 4/],
    ['a."b"."c"d', /character 10/],
    ['a.b"c"', /a quote begins a key.*character 4/],
    ['a."b\\n"', /\\ before another character/],
    ['', /expected the name/],
  ] as const) {
    it(`does not take ${path}`, () => {
      assert.match(claimPathProblem(path) ?? '', why)
      assert.throws(() => claimPath(path), SyntaxError)
    })
  }
})

describe('a claim with dots in its key', () => {
  it('is matched by a condition', () => {
    const match = compileMatch({ claim: { '"kubernetes.io".serviceaccount.name': 'press' } })
    assert.equal(match.matches(facts), true)
    assert.equal(match.matches({ ...facts, identity: { ...identity, claims: {} } }), false)
  })

  it('fills a variable', () => {
    const template = compileTemplate(`ui.\${claim."kubernetes.io".serviceaccount.name}.*`)
    assert.equal(template.render(facts, plain), 'ui.press.*')
  })

  it('names the broker user of a token that is passed on', () => {
    const input = { kind: 'passOn', userClaim: '"kubernetes.io".serviceaccount.name' } as const
    const sources = { readFile: async () => Buffer.alloc(0), env: () => undefined }
    assert.equal(compileCredential(input, sources, { name: 'own', broker: 'main' }).username(facts), 'press')
  })
})

const problemsOf = (path: string): readonly string[] => {
  const config = {
    listen: { port: 8080 },
    brokers: {
      main: {
        urls: ['amqp://127.0.0.1:5672'],
        credentials: { web: { username: 'a', password: 'b' }, own: { passOn: 'accessToken', userClaim: path } },
      },
    },
    authenticators: {
      sso: {
        type: 'jwt',
        issuer: 'https://idp.example.com',
        audience: 'amqp',
        jwksUri: 'https://idp.example.com/keys',
        subject: path,
        roles: path,
      },
      own: { type: 'passport', module: 'x', verify: './verify.mjs', subject: path, roles: path },
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: '/',
        authenticate: ['sso', 'own'],
        promote: [{ when: { claim: { [path]: 'x' } }, to: 'web' }, { to: 'own' }],
        permissions: [{ for: { claim: { [path]: 'x' } }, read: [{ queue: `ui.\${claim.${path}}.*` }] }],
        stamp: { appId: `\${claim.${path}}` },
      },
    ],
  }
  try {
    parseConfig(stringify(config), { env: {}, files: false })
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ path: place }) => place)
  }
}

describe('a badly quoted path to a claim', () => {
  it('is a mistake in every place, told at once', () => {
    assert.deepEqual(problemsOf('a."b.c".d'), [])
    assert.deepEqual(problemsOf('a."b c".d'), [])
    const places = problemsOf('a."b')
    for (const place of [
      'brokers.main.credentials.own.userClaim',
      'authenticators.sso.subject',
      'authenticators.sso.roles',
      'authenticators.own.subject',
      'authenticators.own.roles',
      'services[0].promote[0].when.claim["a.\\"b"]',
      'services[0].permissions[0].for.claim["a.\\"b"]',
      'services[0].permissions[0].read[0].queue',
      'services[0].stamp.appId',
    ]) {
      assert.ok(places.includes(place), place)
    }
  })
})
