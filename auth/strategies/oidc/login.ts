/**
 * What a gateway does that has a login of its own: sends browsers to the provider and takes them back, keeps who they
 * are behind a cookie, renews that while the provider agrees, and forgets it when anybody says so. Requests and answers
 * are values; the routes are in src/http.
 */
import type { IncomingMessage } from 'node:http'
import * as openid from 'openid-client'
import { AuthenticationRefused } from '../../errors.ts'
import type { Identity } from '../../identity.ts'
import type { Secret } from '../../secret.ts'
import type { EndedLogin, Login, Logins, Refreshed } from '../../state/logins.ts'
import { KEPT_SECONDS, PENDING_SECONDS, type PendingLogin, type PendingLogins } from '../../state/pending-logins.ts'
import { cookieValues } from '../carriers.ts'
import { describe } from '../jwt/jwks.ts'
import type { LoginAnswer } from './answer.ts'
import { type OidcClient, ProviderError, type ProviderTokens } from './client.ts'
import { type CookieScope, clearCookie, cookieName, setCookie } from './cookie.ts'
import { DeviceLogins } from './device.ts'
import { failed, failedBy, refusal } from './failure.ts'
import type { IdentityMaker } from './identity.ts'
import type { LogoutTokens } from './logout.ts'
import { returnAddress } from './return.ts'

/** Told of what happens to live sessions that were opened with a login. */
export interface LoginListener {
  /** Sessions with one of these keys (`sessionKey`, `identityKey`) have lost their authority. */
  ended(keys: { readonly sessions: readonly string[]; readonly identities: readonly string[] }): void
  /** Sessions with this key go on as this identity, which is the same person. */
  renewed(sessionKey: string, identity: Identity): void
}

export interface OidcLoginOptions {
  /** The authenticator's. */
  readonly name: string
  readonly publicUrl: string
  /** What stands before the gateway's paths at `publicUrl`; absent: nothing. */
  readonly basePath?: string | undefined
  /** A label, to which prefix and hash are added. */
  readonly cookie: string
  /** Where people are led whose login failed; absent: whoever answers tells them. A path is one at `publicUrl`. */
  readonly errorUrl?: string | undefined
  readonly loginTimeoutMs: number
  readonly loginCount: number
  readonly logins: Logins
  readonly pendingLogins: PendingLogins
  readonly client: OidcClient
  readonly identities: IdentityMaker
  readonly logoutTokens: LogoutTokens
  /** Called where a refresh token is still valid at the provider after its login has ended; `detail` is for operators. */
  readonly notRevoked: (detail: string) => void
  readonly nowMs: () => number
}

/** How often a page may have its login refreshed; in between it hears what it has. */
const REFRESH_AGAIN_MS = 2000
const PER_PERSON_COUNT = 50

export class OidcLogin {
  readonly #options: OidcLoginOptions
  readonly #cookie: CookieScope
  readonly #pendingCookie: CookieScope
  readonly #logins: Logins
  readonly #listeners: LoginListener[] = []
  /** For programs without a browser. */
  readonly devices: DeviceLogins

  constructor(options: OidcLoginOptions) {
    this.#options = options
    const secure = new URL(options.publicUrl).protocol === 'https:'
    const path = `${options.basePath ?? ''}/auth/login?with=${options.name}`
    this.#cookie = { name: cookieName({ label: options.cookie, path, secure }), secure, sameSite: 'Strict' }
    const pending = cookieName({ label: `${options.cookie}-login`, path, secure })
    this.#pendingCookie = { name: pending, secure, sameSite: 'Lax' }
    this.#logins = options.logins
    this.devices = new DeviceLogins({ ...options, open: async (tokens) => await this.#openForDevice(tokens) })
  }

  get cookieName(): string {
    return this.#cookie.name
  }

  subscribe(listener: LoginListener): void {
    this.#listeners.push(listener)
  }

  /**
   * `GET /auth/login`: off to the provider.
   * @param begunBy the query that it was asked by, but for `returnTo`
   */
  async begin(returnTo: string | null, begunBy = ''): Promise<LoginAnswer> {
    const { basePath = '', publicUrl } = this.#options
    const address = returnAddress(returnTo ?? `${basePath}/`, publicUrl)
    if (address === undefined)
      return failed(refusal(400, 'returnTo: expected a path that begins with one slash'), 'malformed', this.#options)
    const pending: PendingLogin = {
      state: openid.randomState(),
      nonce: openid.randomNonce(),
      verifier: openid.randomPKCECodeVerifier(),
      returnTo: address,
      begunBy,
      endsAtMs: this.#options.nowMs() + PENDING_SECONDS * 1000,
    }
    try {
      const location = await this.#options.client.authorizationUrl(pending)
      const sealed = await this.#options.pendingLogins.seal(pending)
      return { status: 303, location, cookies: [setCookie(this.#pendingCookie, sealed, KEPT_SECONDS)] }
    } catch (error) {
      return failedBy(error, this.#options, pending)
    }
  }

  /**
   * `GET /auth/callback`: back from the provider. Undefined where this browser began no login here.
   * @param isBarred whether somebody may not have a login for the time being; the answer has no cookie of one then
   */
  async callback(
    http: IncomingMessage,
    query: URLSearchParams,
    isBarred: (identity: Identity) => boolean = () => false,
  ): Promise<LoginAnswer | undefined> {
    const [sealed, ...others] = cookieValues(http, this.#pendingCookie.name)
    if (sealed === undefined || sealed === '') return undefined
    const cookies = [clearCookie(this.#pendingCookie)]
    const pending = others.length > 0 ? undefined : await this.#options.pendingLogins.open(sealed)
    const isInTime = pending !== undefined && this.#options.nowMs() < pending.endsAtMs
    if (!isInTime || query.get('state') !== pending.state) {
      const late = refusal(400, 'this login took too long, or was begun in another tab: begin it again')
      return { ...failed(late, 'expired', this.#options, pending), cookies }
    }
    try {
      const tokens = await this.#options.client.exchange(query, pending)
      const { id, identity } = await this.#open(tokens, http, isBarred)
      if (id === undefined) return { ...refusal(403, 'not at the moment'), cookies, identity }
      cookies.push(setCookie(this.#cookie, id, Math.floor(this.#options.loginTimeoutMs / 1000)))
      return { status: 303, location: pending.returnTo, cookies, identity }
    } catch (error) {
      return { ...failedBy(error, this.#options, pending), cookies }
    }
  }

  /** For a browser that came back and never left, or left from another host. @param begin the path at which one begins */
  unknown(detail: string, begin: string): LoginAnswer {
    const { publicUrl, basePath = '' } = this.#options
    return failed(refusal(400, `${detail} ${new URL(publicUrl).origin}${basePath}${begin}`), 'unknown', this.#options)
  }

  /** `POST /auth/logout`: forgets the login and ends what was opened with it. */
  async logout(http: IncomingMessage): Promise<LoginAnswer> {
    const login = await this.find(http)
    if (login !== undefined && (await this.#end(login))) this.#giveBack(login.refreshToken)
    const endSessionUrl = await this.#options.client.logoutUrl().catch(() => undefined)
    const body = endSessionUrl === undefined ? {} : { endSessionUrl }
    const cookies = [clearCookie(this.#cookie)]
    return { status: 200, body, cookies, ...(login !== undefined && { identity: login.identity }) }
  }

  /** `POST /auth/refresh`: renews the login and every live session opened with it. */
  async refreshFor(http: IncomingMessage): Promise<LoginAnswer> {
    const login = await this.find(http)
    if (login === undefined) return refusal(401, 'no login, or it has ended')
    const isRecent = this.#options.nowMs() - login.refreshedAtMs < REFRESH_AGAIN_MS
    const refreshed = isRecent ? 'renewed' : await this.refresh(login)
    switch (refreshed) {
      case 'renewed': {
        const { identity } = isRecent ? login : ((await this.find(http)) ?? login)
        const { subject, expiresAtMs } = identity
        const expiresAt = expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString()
        return { status: 200, body: { subject, expiresAt }, identity }
      }
      case 'unavailable':
        return refusal(503, 'the identity provider cannot be asked now')
      case 'impossible':
        return refusal(401, 'the identity provider gave nothing to refresh with: log in again')
      case 'ended':
        return { ...refusal(401, 'the login has ended'), cookies: [clearCookie(this.#cookie)] }
    }
  }

  /** `POST /auth/backchannel-logout`, with the token from its body. */
  async backchannelLogout(token: string): Promise<LoginAnswer> {
    try {
      const { logoutTokens, identities } = this.#options
      const gone = await logoutTokens.use(token)
      const ended = await this.#logins.endOf(gone).catch((error: unknown) => {
        logoutTokens.unused(gone)
        throw error
      })
      this.#tellEnded(ended, identities.keysOf(gone))
      return { status: 200, body: {} }
    } catch (error) {
      if (!(error instanceof AuthenticationRefused)) throw error
      return { status: 400, body: { error: 'invalid_request' }, detail: error.message }
    }
  }

  /** The login a request's cookie names. */
  async find(http: IncomingMessage): Promise<Login | undefined> {
    const [id, ...others] = cookieValues(http, this.#cookie.name)
    return id === undefined || others.length > 0 ? undefined : await this.#logins.find(id)
  }

  /** Whether the login that this identity came from has not been ended since. */
  holds(identity: Identity): boolean {
    return this.#logins.holds(identity)
  }

  /** Renews a login, or joins whoever is renewing it. An answer of the provider that is none changes nothing. */
  async refresh(login: Login): Promise<Refreshed> {
    return await this.#logins.refreshAlone(login, (current) => this.#refresh(current))
  }

  async #refresh(login: Login): Promise<Refreshed> {
    if (login.refreshToken === undefined) return 'impossible'
    const { client, identities, nowMs } = this.#options
    try {
      const refreshed = await client.refresh(login.refreshToken)
      // A refresh token may be good once only: the next one is kept, whatever becomes of the rest.
      const { refreshToken } = refreshed
      if (refreshToken !== undefined && !(await this.#logins.renew(login, { refreshToken }))) {
        this.#giveBack(refreshToken)
        return 'ended'
      }
      const tokens = await client.withUserInfo(refreshed, login.sub)
      const refreshedAtMs = nowMs()
      const identity = identities.renew(tokens, login, refreshedAtMs)
      const idClaims = tokens.claims ?? login.idClaims
      if (!(await this.#logins.renew(login, { identity, idClaims, refreshedAtMs }))) return 'ended'
      if (identity.sessionKey !== undefined) {
        for (const listener of this.#listeners) listener.renewed(identity.sessionKey, identity)
      }
      return 'renewed'
    } catch (error) {
      if (error instanceof ProviderError && error.kind === 'unavailable') return 'unavailable'
      if (!(error instanceof ProviderError || error instanceof AuthenticationRefused)) throw error
      await this.#end(login)
      return 'ended'
    }
  }

  /** Opens a login, always with a cookie of its own; the one this browser had before ends. No id: whose it is is barred. */
  async #open(
    tokens: ProviderTokens,
    http: IncomingMessage,
    isBarred: (identity: Identity) => boolean,
  ): Promise<{ readonly id: string | undefined; readonly identity: Identity }> {
    const begun = this.#begun(tokens)
    if (isBarred(begun.identity)) return { id: undefined, identity: begun.identity }
    const before = await this.find(http)
    const goesOn = before !== undefined && isContinuedBy(before.identity, begun.identity)
    if (before !== undefined && !goesOn) await this.#end(before)
    const { id } = await this.#add({ ...begun, refreshToken: tokens.refreshToken }, goesOn ? before : undefined)
    return { id, identity: begun.identity }
  }

  async #openForDevice(tokens: ProviderTokens): Promise<{ readonly cookie: string; readonly identity: Identity }> {
    const begun = this.#begun(tokens)
    const { id } = await this.#add({ ...begun, refreshToken: tokens.refreshToken })
    return { cookie: `${this.#cookie.name}=${id}`, identity: begun.identity }
  }

  #begun(tokens: ProviderTokens): Omit<Login, 'hash' | 'refreshToken'> {
    const { identities, loginTimeoutMs, nowMs } = this.#options
    const now = nowMs()
    return { ...identities.begin(tokens, now, now + loginTimeoutMs), refreshedAtMs: now }
  }

  async #add(begun: Omit<Login, 'hash'>, before?: Login): Promise<{ readonly id: string }> {
    const limits = { loginCount: this.#options.loginCount, perPersonCount: PER_PERSON_COUNT }
    const { id, evicted } = await this.#logins.add(begun, limits, before)
    for (const login of evicted) this.#tellEnded([login])
    return { id }
  }

  /** False where it had ended before. */
  async #end(login: Login): Promise<boolean> {
    const hasEnded = await this.#logins.end(login)
    if (hasEnded) this.#tellEnded([{ hash: login.hash, sessionKey: login.identity.sessionKey }])
    return hasEnded
  }

  /** The login is over here already: nobody waits for the provider, whose time is bounded. */
  #giveBack(refreshToken: Secret | undefined): void {
    if (refreshToken === undefined) return
    this.#options.client.revoke(refreshToken).catch((error: unknown) => {
      // Such an error names its cause itself.
      this.#options.notRevoked(error instanceof ProviderError ? error.message : describe(error))
    })
  }

  #tellEnded(
    logins: readonly EndedLogin[],
    more: { readonly sessions: readonly string[]; readonly identities: readonly string[] } = {
      sessions: [],
      identities: [],
    },
  ): void {
    const own = logins.flatMap(({ sessionKey }) => (sessionKey === undefined ? [] : [sessionKey]))
    const keys = { sessions: [...new Set([...own, ...more.sessions])], identities: more.identities }
    for (const listener of this.#listeners) listener.ended(keys)
  }
}

/** Whether live sessions of one login are those of the next. */
function isContinuedBy(before: Identity, next: Identity): boolean {
  return before.subject === next.subject && before.sessionKey === next.sessionKey
}
