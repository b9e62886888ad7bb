/**
 * Asks a provider whether a token is active [RFC 7662]. The endpoint is named, or found in the provider's metadata. https, or
 * http on a loopback address; no redirects; bounded in size, time and number. No message shows a token or a secret.
 */
import * as openid from 'openid-client'
import { type ClientAuthentication, clientAuthentication } from '../../client-authentication.ts'
import type { Secret } from '../../secret.ts'
import { isJsonObject, type JsonObject } from '../jwt/json.ts'
import { describe } from '../jwt/jwks.ts'
import { boundedFetch, type Fetch, fetchJson } from '../jwt/jwks-fetch.ts'

export interface EndpointOptions {
  /** Whose metadata names the endpoint, where `url` does not. */
  readonly issuer: string | undefined
  readonly url: string | undefined
  readonly clientId: string
  readonly clientAuthentication: ClientAuthentication
  readSecret(): Promise<Secret>
  readonly fetch?: Fetch | undefined
}

const TIMEOUT_MS = 4_000
const MAX_BYTES = 64 * 1024
/** The place of the endpoint is looked up again after this time. */
const METADATA_MS = 60 * 60 * 1000
/** Most questions at once. */
const ASKING_MAX = 64

/** There are enough questions under way. */
export class TooManyQuestions extends Error {
  override readonly name = 'TooManyQuestions'
}

export class IntrospectionEndpoint {
  readonly #options: EndpointOptions
  readonly #fetch: Fetch
  #found: { readonly url: string; readonly untilMs: number } | undefined
  #askingCount = 0

  constructor(options: EndpointOptions) {
    this.#options = options
    this.#fetch = options.fetch ?? globalThis.fetch
  }

  /** What the provider says of an active token; undefined: it is not active. Rejects where nobody can tell. */
  async ask(token: string): Promise<JsonObject | undefined> {
    if (this.#askingCount >= ASKING_MAX) throw new TooManyQuestions('too many tokens are being looked up')
    this.#askingCount += 1
    try {
      return await this.#ask(token)
    } catch (error) {
      if (error instanceof openid.WWWAuthenticateChallengeError)
        throw new Error(`the introspection endpoint does not take the gateway's secret (${error.status})`)
      throw new Error(`the introspection endpoint gives no answer: ${describe(error)}`, { cause: error })
    } finally {
      this.#askingCount -= 1
    }
  }

  async #ask(token: string): Promise<JsonObject | undefined> {
    const answer: unknown = await openid.tokenIntrospection(await this.#configuration(), token)
    if (!isJsonObject(answer)) throw new Error('the answer is no object')
    const { active } = answer
    if (typeof active !== 'boolean') throw new Error('`active` is neither true nor false')
    return active ? answer : undefined
  }

  /** Made for each question: the secret may have changed, and lives no longer than it has to. */
  async #configuration(): Promise<openid.Configuration> {
    const url = await this.#url()
    const { clientId, clientAuthentication: how, readSecret, issuer } = this.#options
    const bytes = (await readSecret()).reveal()
    const secret = bytes.toString()
    bytes.fill(0)
    const server = { issuer: issuer ?? new URL(url).origin, introspection_endpoint: url }
    const configuration = new openid.Configuration(server, clientId, undefined, clientAuthentication(secret, how))
    configuration[openid.customFetch] = (place, init) =>
      boundedFetch(this.#fetch, place, init as RequestInit, TIMEOUT_MS, MAX_BYTES)
    // Which addresses may be asked without TLS is decided by boundedFetch.
    if (url.startsWith('http:')) openid.allowInsecureRequests(configuration)
    return configuration
  }

  async #url(): Promise<string> {
    const { url, issuer } = this.#options
    if (url !== undefined) return url
    if (issuer === undefined) throw new Error('there is neither an issuer nor a URL')
    const known = this.#found
    if (known !== undefined && performance.now() < known.untilMs) return known.url
    const found = await endpointOf(issuer, this.#fetch)
    this.#found = { url: found, untilMs: performance.now() + METADATA_MS }
    return found
  }
}

/** [OpenID Connect Discovery §4, RFC 8414 §2] */
async function endpointOf(issuer: string, fetch: Fetch): Promise<string> {
  const place = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const metadata = await fetchJson(fetch, place, AbortSignal.timeout(TIMEOUT_MS))
  if (!isJsonObject(metadata) || metadata['issuer'] !== issuer)
    throw new Error(`the metadata at ${place} is of another issuer`)
  const endpoint = metadata['introspection_endpoint']
  if (typeof endpoint !== 'string') throw new Error(`the metadata at ${place} names no introspection endpoint`)
  return endpoint
}
