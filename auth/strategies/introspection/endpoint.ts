/**
 * Asks a provider whether a token is active [RFC 7662]. The endpoint is named, or found in the provider's metadata. https, or
 * http on a loopback address; no redirects; bounded in size, time and number. No message shows a token or a secret.
 */
import * as openid from 'openid-client'
import { type ClientAuthentication, clientAuthentication } from '../../client-authentication.ts'
import { type EndpointPlace, ProviderEndpoint } from '../../provider-endpoint.ts'
import type { Secret } from '../../secret.ts'
import { isJsonObject, type JsonObject } from '../jwt/json.ts'
import { describe } from '../jwt/jwks.ts'
import { boundedFetch, type Fetch } from '../jwt/jwks-fetch.ts'

export interface EndpointOptions extends EndpointPlace {
  readonly clientId: string
  readonly clientAuthentication: ClientAuthentication
  readSecret(): Promise<Secret>
  readonly fetch?: Fetch | undefined
}

const TIMEOUT_MS = 4_000
const MAX_BYTES = 64 * 1024
/** Most questions at once. */
const ASKING_MAX = 64

/** There are enough questions under way. */
export class TooManyQuestions extends Error {
  override readonly name = 'TooManyQuestions'
}

export class IntrospectionEndpoint {
  readonly #options: EndpointOptions
  readonly #fetch: Fetch
  readonly #place: ProviderEndpoint
  #askingCount = 0

  constructor(options: EndpointOptions) {
    this.#options = options
    this.#fetch = options.fetch ?? globalThis.fetch
    this.#place = new ProviderEndpoint(options, 'introspection_endpoint', this.#fetch)
  }

  /** What the provider says of an active token; undefined: it is not active. Rejects where nobody can tell. */
  async ask(token: string): Promise<JsonObject | undefined> {
    if (this.#askingCount >= ASKING_MAX) throw new TooManyQuestions('too many tokens are being looked up')
    this.#askingCount += 1
    try {
      return await this.#ask(token)
    } catch (error) {
      // The provider has answered: it will not look at this token, as one that is signed. Another authenticator may.
      if (error instanceof openid.ResponseBodyError && error.error === 'unsupported_token_type') return undefined
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
    const url = await this.#place.url()
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
}
