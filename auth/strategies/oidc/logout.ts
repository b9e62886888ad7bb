/**
 * Logout tokens: with them a provider says, server to server, that a session or a person is gone
 * [OpenID Connect Back-Channel Logout 1.0 §2.6]. Each is good once, and only for some minutes.
 */
import { AuthenticationRefused } from '../../errors.ts'
import { checkSubject } from '../claims.ts'
import { isJsonObject } from '../jwt/json.ts'
import type { KeySet } from '../jwt/jwks.ts'
import { checkAudience, checkTimes } from '../jwt/policy.ts'
import { openToken } from '../jwt/signature.ts'

export interface LogoutTokenOptions {
  readonly issuer: string
  readonly clientId: string
  readonly keys: KeySet
  readonly algorithms: readonly string[]
  readonly nowMs: () => number
}

/** Who is gone: a session of a person, or all of them. At least one is there. */
export interface LoggedOut {
  readonly sub: string | undefined
  readonly sid: string | undefined
  /** Of the token. */
  readonly jti: string
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const MAX_AGE_MS = 5 * 60 * 1000
/** Tokens remembered, so that none is used twice; a provider that sends more in five minutes repeats itself in vain only. */
const REMEMBERED_COUNT = 10_000

export class LogoutTokens {
  readonly #options: LogoutTokenOptions
  /** `jti` → when it would have ended by itself, oldest first. */
  readonly #used = new Map<string, number>()

  constructor(options: LogoutTokenOptions) {
    this.#options = options
  }

  /** @throws {AuthenticationRefused} · another error where the provider's keys cannot be had */
  async use(token: string): Promise<LoggedOut> {
    const { issuer, clientId, keys, algorithms, nowMs } = this.#options
    const claims = await openToken(token, { issuer, keys, algorithms, types: ['', 'jwt', 'logout+jwt'] })
    checkAudience(claims['aud'], [clientId])
    const endsAtMs = checkTimes(claims, MAX_AGE_MS, nowMs())
    const { events, nonce, jti, sub, sid } = claims
    if (!isJsonObject(events) || !Object.hasOwn(events, EVENT) || !isJsonObject(events[EVENT])) {
      throw rejected('the token is no logout token')
    }
    if (nonce !== undefined) throw rejected('a logout token has no nonce')
    if (sub === undefined && sid === undefined) throw rejected('the logout token names neither sub nor sid')
    const gone: LoggedOut = {
      jti: checkSubject(jti, 'the claim jti'),
      sub: sub === undefined ? undefined : checkSubject(sub, 'the claim sub'),
      sid: sid === undefined ? undefined : checkSubject(sid, 'the claim sid'),
    }
    this.#remember(gone.jti, endsAtMs)
    return gone
  }

  /** Nothing came of it: the provider may send it again. */
  unused({ jti }: LoggedOut): void {
    this.#used.delete(jti)
  }

  #remember(jti: string, endsAtMs: number): void {
    const nowMs = this.#options.nowMs()
    for (const [old, oldEndsAtMs] of this.#used) {
      if (oldEndsAtMs > nowMs && this.#used.size < REMEMBERED_COUNT) break
      this.#used.delete(old)
    }
    if (this.#used.has(jti)) throw rejected('the logout token was used before')
    this.#used.set(jti, endsAtMs)
  }
}

function rejected(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('rejected', detail)
}
