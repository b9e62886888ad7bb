/**
 * A token for the gateway itself, from client credentials [RFC 6749 §4.4], or one made of a user's [RFC 8693]: https, or http on a loopback address; no
 * redirects; bounded in size and time. No message shows the secret or the token.
 */
import * as openid from 'openid-client'
import { type ClientAuthentication, clientAuthentication } from '../../client-authentication.ts'
import { Secret } from '../../secret.ts'
import { describe } from '../../strategies/jwt/jwks.ts'
import { boundedFetch, type Fetch } from '../../strategies/jwt/jwks-fetch.ts'
import type { FetchedToken } from './token-source.ts'

const MAX_BYTES = 64 * 1024
const TIMEOUT_MS = 5000

export interface TokenRequest {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: Secret
  readonly authentication: ClientAuthentication
  readonly scope: string | undefined
  readonly audience: string | undefined
}

/** Rejects with an `Error` in operators' words. */
export async function requestToken(request: TokenRequest, fetch: Fetch): Promise<FetchedToken> {
  return await fetched(request, () =>
    openid.clientCredentialsGrant(configurationOf(request, fetch), narrowing(request)),
  )
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

/** A token made of another one [RFC 8693 §2.1]. Rejects with an `Error` in operators' words. */
export async function exchangeToken(
  request: TokenRequest & { readonly subjectToken: Secret },
  fetch: Fetch,
): Promise<FetchedToken> {
  const bytes = request.subjectToken.reveal()
  const parameters = {
    subject_token: bytes.toString(),
    subject_token_type: ACCESS_TOKEN,
    requested_token_type: ACCESS_TOKEN,
    ...narrowing(request),
  }
  bytes.fill(0)
  return await fetched(request, () => openid.genericGrantRequest(configurationOf(request, fetch), EXCHANGE, parameters))
}

function narrowing({ scope, audience }: TokenRequest): Record<string, string> {
  return { ...(scope === undefined ? {} : { scope }), ...(audience === undefined ? {} : { audience }) }
}

async function fetched(
  { tokenUrl }: TokenRequest,
  ask: () => Promise<openid.TokenEndpointResponse>,
): Promise<FetchedToken> {
  const askedAtMs = Date.now()
  let answer: openid.TokenEndpointResponse
  try {
    answer = await ask()
  } catch (error) {
    throw new Error(`the token endpoint ${tokenUrl} ${complaint(error)}`, { cause: error })
  }
  const ends = [expiryOf(answer.access_token), askedAtMs + (answer.expires_in ?? Number.NaN) * 1000]
  const known = ends.filter((end) => Number.isFinite(end))
  const secret = new Secret(answer.access_token)
  if (known.length === 0) return { secret }
  const expiresAtMs = Math.min(...known)
  // It would be renewed at once, and so would the next one. A clock that is wrong does this.
  if (expiresAtMs <= Date.now())
    throw new Error(`the token endpoint ${tokenUrl} gives no token: it has expired already`)
  return { secret, expiresAtMs }
}

/** Made for each request: the secret may have changed, and lives no longer than it has to. */
function configurationOf({ tokenUrl, clientId, clientSecret, authentication }: TokenRequest, fetch: Fetch) {
  const bytes = clientSecret.reveal()
  const secret = bytes.toString()
  bytes.fill(0)
  const method = clientAuthentication(secret, authentication)
  const server = { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl }
  const configuration = new openid.Configuration(server, clientId, undefined, method)
  configuration[openid.customFetch] = (url, init) =>
    boundedFetch(fetch, url, init as RequestInit, TIMEOUT_MS, MAX_BYTES)
  // Which addresses may be asked without TLS is decided by boundedFetch.
  if (tokenUrl.startsWith('http:')) openid.allowInsecureRequests(configuration)
  return configuration
}

/** Of a token that is a JWT, whoever it is for; ms since the epoch. */
function expiryOf(token: string): number {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const exp = payload !== null && typeof payload === 'object' && 'exp' in payload ? payload.exp : undefined
    return typeof exp === 'number' ? exp * 1000 : Number.NaN
  } catch {
    return Number.NaN
  }
}

function complaint(error: unknown): string {
  if (error instanceof openid.ResponseBodyError) return `says ${printable(error.error)} (${error.status})`
  if (error instanceof openid.WWWAuthenticateChallengeError)
    return `does not take the client's secret (${error.status})`
  return `gives no token: ${describe(error)}`
}

/** Error codes are printable ASCII [RFC 6749 §5.2]; anything else was not written for an operator. */
function printable(code: string): string {
  return /^[\x20-\x7e]{1,64}$/.test(code) ? code : 'an error without a name'
}
