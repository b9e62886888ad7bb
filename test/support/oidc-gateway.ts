/** A gateway's own login, in memory, with a fake provider, a clock of the test's and as many browsers as one likes. */
import assert from 'node:assert/strict'
import type { Outcome } from '../../auth/authenticator.ts'
import type { Identity } from '../../auth/identity.ts'
import { Secret } from '../../auth/secret.ts'
import { MemoryState } from '../../auth/state/memory/state.ts'
import type { LoginAnswer } from '../../auth/strategies/oidc/answer.ts'
import { cookieName } from '../../auth/strategies/oidc/cookie.ts'
import { type OidcOptions, oidcAuthenticator } from '../../auth/strategies/oidc/oidc.ts'
import { authenticationRequest } from './authentication-request.ts'
import { FakeOpenidProvider } from './fake-openid-provider.ts'

export const provider = new FakeOpenidProvider()
export const clock = { nowMs: 0 }

const named = (label: string): string => cookieName({ label, path: '/auth/login?with=login', secure: true })
/** The cookies of the login that `gateway` makes. */
export const LOGIN_COOKIE = named('gatehouse')
export const PENDING_COOKIE = named('gatehouse-login')

/** Before each test: what one set on the provider is gone. */
export function reset(): void {
  clock.nowMs = Date.now()
  provider.requests.length = 0
  provider.revocations.length = 0
  Object.assign(provider, {
    claims: {},
    response: {},
    signer: undefined,
    answer: undefined,
    revoked: undefined,
    metadata: {},
    userInfo: () => ({ status: 200, body: { sub: 'joe' } }),
    isDown: false,
  })
}

/** State with the clock of the test. */
export function memoryState(): MemoryState {
  return new MemoryState({ monotonicMs: () => performance.now(), nowMs: () => clock.nowMs })
}

/** A gateway's login and one browser with its cookies. */
export function gateway(options: Partial<OidcOptions> = {}) {
  const state = memoryState()
  const notRevoked: string[] = []
  const authenticator = oidcAuthenticator(
    {
      name: 'login',
      issuer: provider.issuer,
      clientId: 'gatehouse',
      readSecret: async () => new Secret('client secret & more'),
      publicUrl: 'https://app.example.com',
      scope: 'openid profile',
      subject: 'sub',
      roles: { path: 'groups' },
      cookie: 'gatehouse',
      loginTimeoutMs: 3_600_000,
      loginCount: 100,
      logins: state.logins('login'),
      pendingLogins: state.pendingLogins('login'),
      ...options,
    },
    {
      observe: () => undefined,
      notRevoked: (detail) => void notRevoked.push(detail),
      nowMs: () => clock.nowMs,
    },
  )
  const ended: { sessions: readonly string[]; identities: readonly string[] }[] = []
  const renewed: string[] = []
  authenticator.login.subscribe({
    ended: (keys) => ended.push(keys),
    renewed: (key, identity) => renewed.push(`${key} ${identity.subject}`),
  })
  return { authenticator, login: authenticator.login, ended, renewed, notRevoked, browser: browser() }
}

export function browser() {
  const jar = new Map<string, string>()
  return {
    jar,
    take(answer: LoginAnswer | undefined) {
      for (const cookie of answer?.cookies ?? []) {
        const [pair = ''] = cookie.split(';')
        const at = pair.indexOf('=')
        if (cookie.includes('Max-Age=0')) jar.delete(pair.slice(0, at))
        else jar.set(pair.slice(0, at), pair.slice(at + 1))
      }
    },
    request() {
      const cookies = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
      return authenticationRequest({ headers: cookies === '' ? [] : [['Cookie', cookies]] })
    },
  }
}

export type Gateway = ReturnType<typeof gateway>

export async function begin({ login, browser }: Gateway, returnTo: string | null = '/app?x=1#top'): Promise<string> {
  const answer = await login.begin(returnTo)
  browser.take(answer)
  assert.equal(answer.status, 303, JSON.stringify(answer))
  return answer.location ?? ''
}

export async function finish({ login, browser }: Gateway, query: URLSearchParams): Promise<LoginAnswer | undefined> {
  const answer = await login.callback(browser.request().http, query)
  browser.take(answer)
  return answer
}

export async function logIn(of: Gateway): Promise<LoginAnswer | undefined> {
  return await finish(of, provider.authorize(await begin(of)))
}

export const prove = ({ authenticator, browser }: Gateway) => authenticator.authenticate(browser.request())
export const refresh = async ({ login, browser }: Gateway) => {
  const answer = await login.refreshFor(browser.request().http)
  browser.take(answer)
  return answer
}

export function identityOf(outcome: Outcome): Identity {
  assert.equal(outcome.kind, 'proven', JSON.stringify(outcome))
  return outcome.identity
}

export function assertRefused(answer: LoginAnswer | undefined, status: number, why: RegExp): void {
  assert.equal(answer?.status, status, JSON.stringify(answer))
  assert.match(answer?.detail ?? '', why)
  assert.equal(answer?.location, undefined)
}
