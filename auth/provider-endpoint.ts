/**
 * Where a provider takes questions of one kind: named by the operator, or found in the provider's metadata and looked up again
 * every hour. [RFC 8414 §2, OpenID Connect Discovery §4]
 */
import { isJsonObject } from './strategies/jwt/json.ts'
import { describe } from './strategies/jwt/jwks.ts'
import { type Fetch, fetchJson } from './strategies/jwt/jwks-fetch.ts'

const TIMEOUT_MS = 4_000
const METADATA_MS = 60 * 60 * 1000

export interface EndpointPlace {
  /** Whose metadata name the endpoint, where `url` does not. */
  readonly issuer: string | undefined
  readonly url: string | undefined
}

export class ProviderEndpoint {
  readonly #place: EndpointPlace
  readonly #key: string
  readonly #fetch: Fetch
  #found: { readonly url: string; readonly untilMs: number } | undefined

  /** @param key its name in the metadata, such as `token_endpoint` */
  constructor(place: EndpointPlace, key: string, fetch: Fetch) {
    this.#place = place
    this.#key = key
    this.#fetch = fetch
  }

  /** Rejects with an `Error` in operators' words. */
  async url(): Promise<string> {
    const { url, issuer } = this.#place
    if (url !== undefined) return url
    if (issuer === undefined) throw new Error('there is neither an issuer nor a URL')
    const known = this.#found
    if (known !== undefined && performance.now() < known.untilMs) return known.url
    const found = await this.#lookedUp(issuer)
    this.#found = { url: found, untilMs: performance.now() + METADATA_MS }
    return found
  }

  async #lookedUp(issuer: string): Promise<string> {
    const place = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const metadata = await fetchJson(this.#fetch, place, AbortSignal.timeout(TIMEOUT_MS)).catch((cause: unknown) => {
      throw new Error(`the metadata at ${place} cannot be had: ${describe(cause)}`, { cause })
    })
    if (!isJsonObject(metadata) || metadata['issuer'] !== issuer)
      throw new Error(`the metadata at ${place} are of another issuer`)
    const endpoint = metadata[this.#key]
    if (typeof endpoint !== 'string') throw new Error(`the metadata at ${place} name no ${this.#key}`)
    return endpoint
  }
}
