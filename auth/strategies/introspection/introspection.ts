/**
 * Opaque tokens, which only their provider can read [RFC 7662]. A token is asked about once, however many sessions it opens;
 * an answer is kept for a while, by the token's hash. Live sessions are looked at again, so that a revoked token ends them.
 */
import { createHash } from 'node:crypto'
import type { AuthenticationRequest, Authenticator, Outcome } from '../../authenticator.ts'
import { AuthenticationRefused } from '../../errors.ts'
import type { Identity } from '../../identity.ts'
import { KeptAnswers } from '../../kept-answers.ts'
import { Secret } from '../../secret.ts'
import type { Carrier } from '../bearer.ts'
import { cookiesLast, proveCarried, settle } from '../carried-proof.ts'
import { type RolesSource, readRoles } from '../claimed-roles.ts'
import { checkSubject, deepFreeze, findClaim } from '../claims.ts'
import type { JsonObject } from '../jwt/json.ts'
import { authenticatorOf } from '../strategy.ts'
import { type EndpointOptions, IntrospectionEndpoint, TooManyQuestions } from './endpoint.ts'

export interface IntrospectionOptions extends EndpointOptions {
  readonly name: string
  /** One of these must be among the audiences; absent: any token that the provider knows. */
  readonly audience: readonly string[] | undefined
  readonly subject: string
  readonly roles: RolesSource | undefined
  readonly from: readonly Carrier[]
  readonly cacheMs: number
  readonly recheckMs: number
}

const KEPT_COUNT = 10_000
const MAX_TOKEN_BYTES = 16 * 1024
const BUSY_RETRY_SECONDS = 2

export function introspectionAuthenticator(options: IntrospectionOptions): Authenticator {
  const { name } = options
  const strategy = new Introspection(options)
  const challenge = `Bearer realm="${name}"`
  const prove = async (request: AuthenticationRequest): Promise<Outcome> => {
    const outcome = await strategy.prove(request)
    // [RFC 6750 §3.1]
    return outcome.kind === 'refused' ? { ...outcome, challenge: `${challenge}, error="invalid_token"` } : outcome
  }
  return {
    ...authenticatorOf({ name, type: 'introspection', challenge }, prove),
    renew: (identity, secret) => strategy.renew(identity, secret),
    recheck: {
      everyMs: options.recheckMs,
      keyOf: ({ accessToken }) => (accessToken === undefined ? '' : digestOf(textOf(accessToken))),
      again: (identity) => strategy.again(identity),
    },
  }
}

class Introspection {
  readonly #options: IntrospectionOptions
  readonly #endpoint: IntrospectionEndpoint
  readonly #carriers: readonly Carrier[]
  readonly #active: KeptAnswers<JsonObject>

  constructor(options: IntrospectionOptions) {
    this.#options = options
    this.#endpoint = new IntrospectionEndpoint(options)
    this.#carriers = cookiesLast(options.from)
    this.#active = new KeptAnswers(KEPT_COUNT, options.cacheMs)
  }

  async prove({ http }: AuthenticationRequest): Promise<Outcome> {
    try {
      return await proveCarried(http, this.#carriers, async ({ token, fromCookie }) => {
        return this.#identity(await this.#lookUp(token), token, fromCookie)
      })
    } catch (error) {
      if (!(error instanceof TooManyQuestions)) throw error
      return { kind: 'refused', detail: error.message, retryAfterSeconds: BUSY_RETRY_SECONDS }
    }
  }

  async renew({ fromCookie }: Identity, secret: Buffer): Promise<Outcome> {
    const token = secret.toString('latin1')
    return await settle('update-secret', false, async () => {
      return this.#identity(await this.#lookUp(token), token, fromCookie)
    })
  }

  /** Asks anew, whatever was kept. */
  async again({ accessToken, fromCookie }: Identity): Promise<Identity | undefined> {
    if (accessToken === undefined) return undefined
    const token = textOf(accessToken)
    let identity: Identity | undefined
    // Whoever comes back with this token has the roles of now, too; and does not, where it is not taken any more.
    await this.#active.again(digestOf(token), async () => {
      const value = await this.#endpoint.ask(token)
      identity = value && this.#taken(value, token, fromCookie)
      return value && identity && { value, expiresAtMs: identity.expiresAtMs }
    })
    return identity
  }

  #taken(answer: JsonObject, token: string, fromCookie: boolean): Identity | undefined {
    try {
      return this.#identity(answer, token, fromCookie)
    } catch (error) {
      if (error instanceof AuthenticationRefused) return undefined
      throw error
    }
  }

  async #lookUp(token: string): Promise<JsonObject> {
    if (token.length > MAX_TOKEN_BYTES) throw new AuthenticationRefused('malformed', 'the token is too long')
    return await this.#active.get(digestOf(token), async () => {
      const value = await this.#endpoint.ask(token)
      // Refusals are not kept: made-up tokens would push out those that are some.
      if (value === undefined) throw new AuthenticationRefused('rejected', 'the token is not active')
      return { value, expiresAtMs: secondsOf(value, 'exp') }
    })
  }

  #identity(answer: JsonObject, token: string, fromCookie: boolean): Identity {
    const { name, issuer, audience, subject, roles } = this.#options
    const { active: _active, ...claims } = answer
    if (issuer !== undefined && claims['iss'] !== undefined && claims['iss'] !== issuer)
      throw new AuthenticationRefused('rejected', 'the token is of another issuer')
    if (audience !== undefined && !audiencesOf(claims).some((one) => typeof one === 'string' && audience.includes(one)))
      throw new AuthenticationRefused('rejected', `the token is for another audience than ${audience.join(', ')}`)
    const [expiresAtMs, beginsAtMs] = [secondsOf(claims, 'exp'), secondsOf(claims, 'nbf')]
    if (expiresAtMs !== undefined && expiresAtMs <= Date.now())
      throw new AuthenticationRefused('rejected', 'the token has expired')
    if (beginsAtMs !== undefined && beginsAtMs > Date.now() + CLOCK_SKEW_MS)
      throw new AuthenticationRefused('rejected', 'the token is not valid yet')
    if (claims['cnf'] !== undefined)
      throw new AuthenticationRefused('rejected', 'the token is bound to a key (cnf), which is not checked here')
    return {
      issuer: issuer ?? name,
      subject: checkSubject(findClaim(claims, subject), `the claim ${subject}`),
      authenticator: name,
      roles: readRoles(claims, roles),
      claims: deepFreeze(claims),
      fromCookie,
      accessToken: new Secret(token),
      ...(expiresAtMs !== undefined && { expiresAtMs }),
    }
  }
}

const CLOCK_SKEW_MS = 30_000

/** Seconds since the epoch, as ms. */
function secondsOf(claims: JsonObject, name: 'exp' | 'nbf'): number | undefined {
  const value = claims[name]
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new AuthenticationRefused('rejected', `the claim ${name} is no number`)
  return value * 1000
}

function audiencesOf({ aud }: JsonObject): readonly unknown[] {
  return Array.isArray(aud) ? aud : [aud]
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

function textOf(secret: Secret): string {
  const bytes = secret.reveal()
  const text = bytes.toString('latin1')
  bytes.fill(0)
  return text
}
