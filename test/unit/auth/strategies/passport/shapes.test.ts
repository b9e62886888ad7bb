/** The shapes that Passport strategies have: what their constructors take, how they call `verify`, what they read. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Outcome } from '../../../../../auth/authenticator.ts'
import { type PluginOptions, pluginAuthenticator } from '../../../../../auth/strategies/passport/plugin.ts'
import { authenticationRequest } from '../../../../support/authentication-request.ts'

type Call = (...input: unknown[]) => unknown
interface Request {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly cookies: Readonly<Record<string, string | undefined>>
  readonly body: Readonly<Record<string, unknown>>
  readonly query: Readonly<Record<string, unknown>>
  readonly get: (name: string) => string | undefined
}
interface Actions {
  success(user: unknown): void
  fail(challenge?: unknown): void
  pass(): void
  error(error: Error): void
  redirect(url: string): void
}
type Authenticate = (this: Actions, request: Request) => unknown

/** A module with a strategy that remembers what it was made with. */
function strategy(authenticate: Authenticate, made: unknown[] = []) {
  class Strategy {
    readonly name = 'stub'
    readonly authenticate = authenticate
    constructor(...input: unknown[]) {
      made.push(...input)
    }
  }
  return { Strategy }
}

/** Calls verify, which is the last that the constructor got, with these arguments and a `done` among them. */
function calling(made: unknown[], input: (token: string, request: Request, done: Call) => unknown[]): Authenticate {
  return function (request) {
    const token = request.headers['x-token']
    if (token === undefined) return this.fail('Token')
    const done: Call = (error, user) =>
      error ? this.error(error as Error) : user ? this.success(user) : this.fail('Token')
    return (made.at(-1) as Call)(...input(token, request, done))
  }
}

function plugin(modules: Readonly<Record<string, unknown>>, options: Partial<PluginOptions> = {}) {
  const load = async (module: string) => {
    if (!(module in modules)) throw new Error('not there')
    return modules[module]
  }
  const named = { name: 'x', module: 's', export: 'Strategy', subject: 'id', roles: 'roles', ambient: false }
  return pluginAuthenticator({ ...named, ...options }, { load })
}

const good = authenticationRequest({ headers: [['X-Token', 'good']] })

function shown(outcome: Outcome): string {
  return outcome.kind === 'proven' ? outcome.identity.subject : outcome.kind
}

describe('options of a strategy', () => {
  const reading: Authenticate = function ({ headers }) {
    if (headers['x-token'] === 'good') this.success({ id: 'joe' })
    else this.fail()
  }
  const verify = () => undefined

  for (const [what, options, modules, expected] of [
    ['none, and no verify', {}, {}, []],
    ['an object', { options: { a: 1 } }, {}, [{ a: 1 }]],
    ['a list, each an argument', { options: [{ a: 1 }, true] }, {}, [{ a: 1 }, true]],
    ['a module', { options: '/o' }, { '/o': { default: { a: reading } } }, [{ a: reading }]],
    ['a module with a function', { options: '/o' }, { '/o': { default: () => ({ a: 1 }) } }, [{ a: 1 }]],
    ['a module with a promise', { options: '/o' }, { '/o': { default: async () => [1, 2] } }, [1, 2]],
    ['a function, from a function', { options: '/o' }, { '/o': { default: () => verify } }, [verify]],
  ] as const) {
    it(`may be ${what}`, async () => {
      const made: unknown[] = []
      const made2 = await plugin({ s: strategy(reading, made), ...modules }, options)
      assert.deepEqual(made, expected)
      assert.equal(shown(await made2.authenticate(good)), 'joe')
    })
  }

  it('come before verify, and are a copy that the strategy may fill in', async () => {
    const made: unknown[] = []
    const options = Object.freeze({ a: 1 })
    await plugin({ s: strategy(reading, made), '/v': { default: verify } }, { options, verify: '/v' })
    assert.notEqual(made[0], options)
    assert.deepEqual([made[0], typeof made[1], made.length], [{ a: 1 }, 'function', 2])
  })

  for (const [what, options, modules, why] of [
    ['a module that is not there', { options: '/o' }, {}, /options: \/o cannot be loaded: not there/],
    ['a module without a default', { options: '/o' }, { '/o': { a: 1 } }, /options: \/o has no default export/],
    [
      'a module whose function throws',
      { options: '/o' },
      {
        '/o': {
          default: () => {
            throw new Error('no key')
          },
        },
      },
      /options: the function in \/o fails: no key/,
    ],
    ['an export of another name', { export: 'Nope' }, {}, /no function Nope; it has: Strategy/],
  ] as const) {
    it(`refuse ${what}`, async () => {
      await assert.rejects(plugin({ s: strategy(reading), ...modules }, options), why)
    })
  }
})

describe('verify', () => {
  const isGood = (token: unknown) => token === 'good' && { id: 'joe' }
  const isRequest = (value: unknown) => (value as Request).headers['x-token'] === 'good'

  async function run(verify: Call, input: (token: string, request: Request, done: Call) => unknown[]) {
    const made: unknown[] = []
    const one = await plugin({ s: strategy(calling(made, input), made), '/v': { default: verify } }, { verify: '/v' })
    return { made, outcome: () => one.authenticate(good) }
  }

  for (const [what, verify, input] of [
    ['(token, done)', (token, done) => (done as Call)(null, isGood(token)), (token, _r, done) => [token, done]],
    [
      '(request, token, done), for passReqToCallback',
      (request, token, done) => (done as Call)(null, isRequest(request) && isGood(token)),
      (token, request, done) => [request, token, done],
    ],
    [
      '(token, done, request)',
      (token, done, request) => (done as Call)(null, isRequest(request) && isGood(token)),
      (token, request, done) => [token, done, request],
    ],
    [
      '(request, done)',
      (request, done) => (done as Call)(null, isRequest(request) && { id: 'joe' }),
      (_t, r, d) => [r, d],
    ],
    ['(...all)', (...all) => (all.at(-1) as Call)(null, isGood(all[0])), (token, _r, done) => [token, done]],
    ['async (token)', async (token) => isGood(token), (token, _r, done) => [token, {}, done]],
    [
      'async (token, done)',
      async (token, done) => void (done as Call)(null, isGood(token)),
      (token, _r, done) => [token, done],
    ],
  ] as readonly [string, Call, (token: string, request: Request, done: Call) => unknown[]][]) {
    it(`may be ${what}`, async () => {
      const { made, outcome } = await run(verify, input)
      assert.equal((made.at(-1) as Call).length, verify.length)
      assert.equal(shown(await outcome()), 'joe')
    })
  }

  for (const [what, verify, why] of [
    [
      'has more parameters than it gets',
      (_a: unknown, _b: unknown, _c: unknown) => 1,
      /has 3 parameters, .* with 2: \(string, done\)/,
    ],
    ['has too few to answer', (_token: unknown) => 1, /has 1 parameters, .*passReqToCallback/],
    [
      'throws',
      () => {
        throw new Error('broken')
      },
      /broken/,
    ],
    [
      'rejects',
      async () => {
        throw new Error('broken')
      },
      /broken/,
    ],
  ] as const) {
    it(`fails, and ends nothing else, when it ${what}`, async () => {
      const { outcome } = await run(verify as Call, (token, _request, done) => [token, done])
      await assert.rejects(outcome(), why)
    })
  }

  it('refuses by a promise of nothing, where it has no `done` to answer to later', async () => {
    const { outcome } = await run(
      async (_token) => undefined,
      (token, _request, done) => [token, done],
    )
    assert.equal((await outcome()).kind, 'refused')
  })

  it('answers once', async () => {
    const verify = (_token: unknown, done: Call) => {
      done(null, false)
      done(null, { id: 'joe' })
    }
    const { outcome } = await run(verify as Call, (token, _request, done) => [token, done])
    assert.equal((await outcome()).kind, 'refused')
  })
})

describe('the request that a strategy reads', () => {
  it('has cookies, and what programs for Express expect', async () => {
    const one = await plugin({
      s: strategy(function ({ cookies, get, body, query }) {
        const found = cookies['a b'] === undefined && cookies['twice'] === undefined && cookies['token'] === 'ü'
        if (found && get('X-Token') === 'good' && !('ticket' in query) && Object.keys(body).length === 0)
          this.success({ id: 'joe' })
        else this.fail()
      }),
    })
    const headers = [
      ['X-Token', 'good'],
      ['Cookie', 'token=%C3%BC; twice=1'],
      ['Cookie', 'twice=2'],
    ] as const
    assert.equal(shown(await one.authenticate(authenticationRequest({ url: '/amqp?ticket=1', headers }))), 'joe')
  })
})

describe('a strategy that cannot decide about upgrades', () => {
  const mistakes: readonly [string, Authenticate, RegExp][] = [
    [
      'redirects',
      function () {
        this.redirect('https://idp.example.com')
      } as Authenticate,
      /use `type: oidc`/,
    ],
    [
      'wants a session',
      function (request) {
        if (!('session' in request)) this.error(new Error('login sessions require session support'))
      },
      /use `type: oidc`/,
    ],
    [
      'reads a form only',
      function ({ body }) {
        if (body['username'] === undefined) this.fail()
      },
      /from a form or the address, .* `type: basic`/,
    ],
    [
      'lets everybody in',
      function ({ headers }) {
        this.success({ id: `joe${headers['x']}` })
      } as Authenticate,
      /carries no credential/,
    ],
    [
      'looks at nothing',
      function () {
        this.pass()
      } as Authenticate,
      /`anonymous: true`/,
    ],
    [
      'has text where it needs a function',
      () => ('text' as unknown as Call)(),
      /fails on a request .* is not a function; .*name its file as `options`/,
    ],
  ]
  for (const [what, authenticate, why] of mistakes) {
    it(`is refused at the start when it ${what}`, async () => {
      await assert.rejects(plugin({ s: strategy(authenticate) }), (error: Error) => {
        assert.equal(error.name, 'InvalidConfiguration')
        assert.match(error.message, why)
        return true
      })
    })
  }

  it('starts while a server of its own does not answer', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    const one = await plugin({
      s: strategy(function () {
        this.error(refused)
      }),
    })
    await assert.rejects(one.authenticate(good), /ECONNREFUSED/)
  })

  it('says its challenge before the first refusal', async () => {
    const one = await plugin({
      s: strategy(function ({ headers }) {
        if (!headers['x-token']) this.fail('Token')
      }),
    })
    assert.equal(one.challenge, 'Token')
  })
})
