/**
 * The authenticator `jwt`: a signed token of one issuer, in a header, a subprotocol entry or a cookie of the page's own.
 * It decides what of several tokens in one request wins; what makes a token good is in jwt-verifier.ts.
 */
import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { AuthenticationRequest, Authenticator, Outcome } from '../../authenticator.ts'
import { AuthenticationRefused, InvalidConfiguration, type Mistake } from '../../errors.ts'
import type { Identity } from '../../identity.ts'
import { Secret } from '../../secret.ts'
import type { Carrier } from '../bearer.ts'
import { cookiesLast, proveCarried, settle } from '../carried-proof.ts'
import type { RolesSource } from '../claimed-roles.ts'
import { sessionKeyOf } from '../oidc/identity.ts'
import { authenticatorOf } from '../strategy.ts'
import { KeySet, type KeySetEvent } from './jwks.ts'
import { type Fetch, fetchInsecureKeySet, fetchJson, keySetUrlProblem, providerUrlProblem } from './jwks-fetch.ts'
import { type Algorithm, isSymmetric } from './jwks-key.ts'
import { certificateBinding, sameConfirmation } from './policy.ts'
import { privateFetch, type Resolve } from './private-fetch.ts'
import { JwtVerifier, type VerifiedToken } from './verifier.ts'

export interface JwtOptions {
  /** The authenticator's name. */
  readonly name: string
  /** Compared exactly with `iss`. */
  readonly issuer: string
  /** One of these must be in `aud`. */
  readonly audience: readonly string[]
  /** The claim, or path of claims, that is compared with them; absent: `aud`. */
  readonly audienceClaim?: string | undefined
  /** Where the issuer's keys are: exactly one of the two. */
  readonly jwksUri?: string | undefined
  readonly jwksFile?: string | undefined
  /** Whether `jwksUri` may be plain http from a private address. */
  readonly insecureKeySet?: boolean | undefined
  readonly algorithms: readonly Algorithm[]
  /** What the header `typ` must be; `id-token` accepts ID tokens. */
  readonly tokenType?: string | undefined
  readonly subject: string
  readonly roles?: RolesSource | undefined
  /** In order of precedence; a cookie never goes before what the page sent itself. */
  readonly from: readonly Carrier[]
  readonly maxAgeMs?: number | undefined
}

/** What the outside lends: files are read, the network is asked and time is told by these only. */
export interface JwtSurroundings {
  readonly readFile: (path: string) => Promise<Uint8Array>
  readonly observe: (event: KeySetEvent) => void
  readonly fetch?: Fetch
  /** Finds the addresses of a host whose keys come over plain http. */
  readonly resolve?: Resolve | undefined
  readonly nowMs?: () => number
  readonly monotonicMs?: () => number
}

const FRESH_MS = 10 * 60 * 1000
const AGAIN_MS = 30 * 1000
const FILE_FRESH_MS = 5000
const FILE_AGAIN_MS = 1000

/** @throws {InvalidConfiguration} where options cannot go together */
export function jwtAuthenticator(options: JwtOptions, surroundings: JwtSurroundings): Authenticator {
  checkOptions(options)
  const { name, jwksUri, jwksFile, insecureKeySet = false, from, ...policy } = options
  const keys = new KeySet({
    source:
      jwksUri === undefined
        ? fileSource(jwksFile ?? '', surroundings)
        : uriSource(jwksUri, insecureKeySet, surroundings),
    algorithms: options.algorithms,
    monotonicMs: surroundings.monotonicMs ?? (() => performance.now()),
    observe: surroundings.observe,
  })
  const verifier = new JwtVerifier({ ...policy, keys, nowMs: surroundings.nowMs ?? Date.now })
  const strategy = new Jwt(name, from, verifier)
  const challenge = `Bearer realm="${name}"`
  const prove = async (request: AuthenticationRequest): Promise<Outcome> => {
    const outcome = await strategy.prove(request)
    // [RFC 6750 §3.1]
    return outcome.kind === 'refused' ? { ...outcome, challenge: `${challenge}, error="invalid_token"` } : outcome
  }
  return {
    ...authenticatorOf({ name, type: 'jwt', challenge }, prove),
    renew: (identity, secret) => strategy.renew(identity, secret),
    // So that the first login does not wait for them.
    warmUp: async () => await keys.load(),
    async readAgain() {
      await keys.load()
      return () => []
    },
    close: () => keys.close(),
  }
}

class Jwt {
  readonly #name: string
  readonly #carriers: readonly Carrier[]
  readonly #verifier: JwtVerifier

  constructor(name: string, from: readonly Carrier[], verifier: JwtVerifier) {
    this.#name = name
    this.#verifier = verifier
    this.#carriers = cookiesLast(from)
  }

  async prove({ http }: AuthenticationRequest): Promise<Outcome> {
    return await proveCarried(http, this.#carriers, async ({ token, fromCookie }) => {
      const verified = await this.#verifier.verify(token)
      checkBinding(http, verified)
      return this.#identity(verified, token, fromCookie)
    })
  }

  async renew(identity: Identity, secret: Buffer): Promise<Outcome> {
    return settle('update-secret', false, async () => {
      const verified = await this.#verifier.verify(secret.toString('latin1'))
      if (verified.issuer !== identity.issuer || verified.subject !== identity.subject) {
        throw new AuthenticationRefused('rejected', 'the new token is of another issuer or subject')
      }
      if (!sameConfirmation(verified.claims['cnf'], identity.claims['cnf'])) {
        throw new AuthenticationRefused('rejected', 'the new token is bound to another key (cnf)')
      }
      return this.#identity(verified, secret.toString('latin1'), identity.fromCookie)
    })
  }

  #identity(verified: VerifiedToken, token: string, fromCookie: boolean): Identity {
    const { issuer, subject, roles, claims, expiresAtMs } = verified
    const sid = claims['sid']
    return {
      issuer,
      subject,
      roles,
      claims,
      expiresAtMs,
      authenticator: this.#name,
      fromCookie,
      accessToken: new Secret(token),
      ...(typeof sid === 'string' && { sessionKey: sessionKeyOf(issuer, sid) }),
    }
  }
}

/** A token bound to a client certificate is good on that client's connection only [RFC 8705 §3]. */
function checkBinding(http: IncomingMessage, { claims }: VerifiedToken): void {
  const thumbprint = certificateBinding(claims['cnf'])
  if (thumbprint === undefined) return
  const certificate = http.socket instanceof TLSSocket ? http.socket.getPeerX509Certificate() : undefined
  const shown = Buffer.from((certificate?.fingerprint256 ?? '').replaceAll(':', ''), 'hex')
  const bound = Buffer.from(thumbprint, 'base64url')
  if (shown.length !== bound.length || !timingSafeEqual(shown, bound)) {
    throw new AuthenticationRefused('rejected', 'the token is bound to a client certificate that this connection lacks')
  }
}

function checkOptions({ jwksUri, jwksFile, insecureKeySet = false, audience, algorithms }: JwtOptions): void {
  const problems: Mistake[] = []
  if ((jwksUri === undefined) === (jwksFile === undefined)) {
    problems.push({ path: ['jwksUri'], message: 'expected either jwksUri or jwksFile' })
  }
  if (audience.length === 0) problems.push({ path: ['audience'], message: 'expected at least one audience' })
  const symmetric = algorithms.filter(isSymmetric)
  if (symmetric.length > 0 && (jwksFile === undefined || symmetric.length < algorithms.length)) {
    problems.push({ path: ['algorithms'], message: `${symmetric.join(', ')} only without others, and with jwksFile` })
  }
  const url = jwksUri === undefined ? undefined : keySetUrlProblem(jwksUri, insecureKeySet)
  if (url !== undefined) problems.push({ path: ['jwksUri'], message: url })
  if (problems.length > 0) throw new InvalidConfiguration(problems)
}

function uriSource(uri: string, insecure: boolean, surroundings: JwtSurroundings) {
  // What may be fetched anyway, https and loopback, is fetched as ever.
  const isInsecure = insecure && providerUrlProblem(uri) !== undefined
  const fetch = surroundings.fetch ?? globalThis.fetch
  const load = isInsecure
    ? (signal: AbortSignal) => fetchInsecureKeySet(privateFetch(surroundings.resolve), uri, signal)
    : (signal: AbortSignal) => fetchJson(fetch, uri, signal)
  return { where: uri, freshMs: FRESH_MS, againMs: AGAIN_MS, load }
}

function fileSource(path: string, { readFile }: JwtSurroundings) {
  const load = async () => JSON.parse(Buffer.from(await readFile(path)).toString('utf8')) as unknown
  return { where: path, freshMs: FILE_FRESH_MS, againMs: FILE_AGAIN_MS, load }
}
