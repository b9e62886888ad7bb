/** Strategies that are not the gateway's own: a public one from the registry, and ones that misbehave. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authenticate } from '../../../../../auth/authenticate.ts'
import type { Outcome } from '../../../../../auth/authenticator.ts'
import { type PluginOptions, pluginAuthenticator } from '../../../../../auth/strategies/passport/plugin.ts'
import { authenticationRequest } from '../../../../support/authentication-request.ts'

/** What an operator's verify module holds: the tokens of two machines. */
const machines: Readonly<Record<string, unknown>> = {
  'token-of-press-7': { id: 'press-7', roles: ['machine'], claims: { hall: 'B' }, secret: 'not for claims' },
  'token-of-nobody': { roles: ['machine'] },
  'token-of-text': 'plain.name',
  'token-that-ends': { id: 'press-8', expiresAt: new Date(2_000_000_000_000) },
  'token-that-ends-never': { id: 'press-9', expiresAt: 'soon' },
  'token-with-bad-roles': { id: 'press-9', roles: { admin: true } },
}
type Done = (error: unknown, user?: unknown) => void

const verifyBearer = (token: string, done: Done) => done(null, machines[token] ?? false)

function plugin(options: Partial<PluginOptions> = {}, modules: Readonly<Record<string, unknown>> = {}) {
  return pluginAuthenticator(
    {
      name: 'machines',
      module: 'passport-http-bearer',
      export: 'Strategy',
      options: { realm: 'Machines' },
      verify: '/etc/gatehouse/verify.mjs',
      subject: 'id',
      roles: 'roles',
      ambient: false,
      ...options,
    },
    {
      load: async (module) => {
        if (module in modules) return modules[module]
        if (module === 'passport-http-bearer') return (await import('passport-http-bearer')) as unknown
        return module.startsWith('/') ? { default: verifyBearer } : ((await import(module)) as unknown)
      },
    },
  )
}

type Run = (this: Record<string, (...input: unknown[]) => void>) => unknown

/** A strategy made of its `authenticate`, as a module would hold it; without a credential it passes. */
const strategyModule = (run: Run) => ({
  own: {
    Strategy: class {
      readonly name = 'own'
      authenticate(this: Record<string, (...input: unknown[]) => void>, { headers }: { headers: object }) {
        return 'authorization' in headers ? run.call(this) : this['pass']?.()
      }
    },
  },
})

const bearer = (token: string) =>
  authenticationRequest({ headers: token === '' ? [] : [['Authorization', `Bearer ${token}`]] })

async function run(token: string, options: Partial<PluginOptions> = {}): Promise<Outcome> {
  return await (await plugin(options)).authenticate(bearer(token))
}

describe('pluginAuthenticator with passport-http-bearer', () => {
  it('maps the user to an identity, and takes nothing else of it', async () => {
    assert.deepEqual(await run('token-of-press-7'), {
      kind: 'proven',
      identity: {
        issuer: 'machines',
        subject: 'press-7',
        authenticator: 'machines',
        roles: ['machine'],
        claims: { hall: 'B' },
        fromCookie: false,
      },
    })
  })

  it('takes a plain name, and a time when it ends', async () => {
    const plain = await run('token-of-text')
    assert.equal(plain.kind === 'proven' && plain.identity.subject, 'plain.name')
    const ending = await run('token-that-ends')
    assert.equal(ending.kind === 'proven' && ending.identity.expiresAtMs, 2_000_000_000_000)
  })

  it('refuses what the strategy refuses, and users without a name, a time or roles', async () => {
    for (const [token, why] of [
      ['unknown', /says no/],
      ['', /says no/],
      ['token-of-nobody', /id is absent/],
      ['token-that-ends-never', /expiresAt/],
      ['token-with-bad-roles', /roles/],
    ] as const) {
      const outcome = await run(token)
      assert.equal(outcome.kind, 'refused')
      assert.match(outcome.kind === 'refused' ? outcome.detail : '', why)
    }
  })

  it('challenges as the strategy does, or as the operator says', async () => {
    const asks = await plugin()
    await assert.rejects(authenticate([asks], bearer('')), { challenges: ['Bearer realm="Machines"'] })
    const told = await plugin({ challenge: 'Bearer' })
    await assert.rejects(authenticate([told], bearer('')), { challenges: ['Bearer'] })
  })

  it('says so where browsers attach the credential by themselves', async () => {
    const outcome = await run('token-of-press-7', { ambient: true })
    assert.ok(outcome.kind === 'proven' && outcome.identity.fromCookie)
  })

  it('gives way to another credential that is proven', async () => {
    const joe = strategyModule(function () {
      this['success']?.({ id: 'joe' })
    })
    const both = [await plugin(), await plugin({ name: 'own', module: 'own' }, joe)]
    assert.equal((await authenticate(both, bearer('unknown'))).identity.subject, 'joe')
  })
})

describe('pluginAuthenticator with a strategy that misbehaves', () => {
  const own = (run: Run) => plugin({ module: 'own' }, strategyModule(run))

  it('takes a pass for an absent credential, and a redirect for a refusal', async () => {
    const passing = await own(function () {
      this['pass']?.()
    })
    assert.deepEqual(await passing.authenticate(bearer('any')), { kind: 'absent' })
    const redirecting = await own(function () {
      this['redirect']?.('https://idp.example.com')
    })
    assert.equal((await redirecting.authenticate(bearer('any'))).kind, 'refused')
  })

  for (const [what, run] of [
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('broken')
      },
    ],
    [
      'reports an error',
      function (this: Record<string, (...input: unknown[]) => void>) {
        this['error']?.(new Error('broken'))
      },
    ],
  ] as const) {
    it(`fails when it ${what}`, async () => {
      await assert.rejects((await own(run)).authenticate(bearer('any')), /broken/)
    })
  }

  it('fails when it never decides', async () => {
    await assert.rejects(authenticate([await own(() => undefined)], bearer('any'), { deadlineMs: 20 }), {
      code: 'rejected',
      message: /machines took longer than 20 ms/,
    })
  })
})

describe('pluginAuthenticator with a configuration that cannot work', () => {
  for (const [what, options, modules, why] of [
    [
      'a module that is not installed',
      { module: 'passport-of-nowhere' },
      {},
      /module: passport-of-nowhere cannot be loaded/,
    ],
    ['an export that is not there', { export: 'Nope' }, {}, /has no function Nope/],
    ['an export that is no strategy', { module: 'own' }, { own: { Strategy: class {} } }, /no Passport strategy/],
    [
      'options that the strategy refuses',
      { module: 'own' },
      {
        own: {
          Strategy: class {
            constructor() {
              throw new TypeError('needs a key')
            }
          },
        },
      },
      /needs a key/,
    ],
    [
      'a verify module without a function',
      { verify: 'v' },
      { v: { default: 7 } },
      /verify: v has no function as its default export/,
    ],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(plugin(options, modules), (error: Error) => {
        assert.equal(error.name, 'InvalidConfiguration')
        assert.match(error.message, why)
        return true
      })
    })
  }
})
