/**
 * A login of a person at a program without a page: the provider gives a code, the person types it into any browser, and the
 * program gets tokens. Later ones are had with the refresh token; the person is asked again when the provider wants it.
 * [RFC 8628; RFC 6749 §6]
 */
import * as openid from 'openid-client'
import { describe } from '../strategies/jwt/jwks.ts'
import { boundedFetch, type Fetch, providerUrlProblem } from '../strategies/jwt/jwks-fetch.ts'

const TIMEOUT_SECONDS = 10

export interface DeviceLoginOptions {
  readonly issuer: string
  /** A public client, for which the provider allows device codes. */
  readonly clientId: string
  /** Separated by spaces. */
  readonly scope: string
  /** Shows the person where to go, and with which code. */
  readonly ask: (url: string, code: string) => void
  readonly fetch?: Fetch
}

export interface DeviceToken {
  readonly text: string
  /** In ms since the epoch; undefined where the provider does not say. */
  readonly expiresAtMs: number | undefined
}

/** The provider, or the person, says no, or there is no provider; the message is for the person. */
export class DeviceLoginFailed extends Error {
  override readonly name = 'DeviceLoginFailed'
}

export class DeviceLogin {
  readonly #options: DeviceLoginOptions
  readonly #ended = new AbortController()
  #configuration: openid.Configuration | undefined
  #refreshToken: string | undefined

  /** @throws DeviceLoginFailed for an issuer that would get secrets in the clear */
  constructor(options: DeviceLoginOptions) {
    this.#options = options
    const problem = providerUrlProblem(options.issuer)
    if (problem !== undefined) throw new DeviceLoginFailed(`${options.issuer}: ${problem}`)
  }

  /** A fresh access token. @throws DeviceLoginFailed */
  async token(): Promise<DeviceToken> {
    try {
      const configuration = this.#configuration ?? (await this.#discover())
      this.#configuration = configuration
      return this.#take((await this.#refreshed(configuration)) ?? (await this.#asked(configuration)))
    } catch (error) {
      if (error instanceof openid.ResponseBodyError)
        throw new DeviceLoginFailed(`the provider says ${error.error}`, { cause: error })
      throw new DeviceLoginFailed(`the login at ${this.#options.issuer} failed: ${describe(error)}`, { cause: error })
    }
  }

  /** Waits for nobody any more. */
  close(): void {
    this.#ended.abort()
  }

  async #discover(): Promise<openid.Configuration> {
    const { issuer, clientId, fetch = globalThis.fetch } = this.#options
    return await openid.discovery(new URL(issuer), clientId, undefined, openid.None(), {
      execute: issuer.startsWith('http:') ? [openid.allowInsecureRequests] : [],
      timeout: TIMEOUT_SECONDS,
      [openid.customFetch]: (url, init) => boundedFetch(fetch, url, init as RequestInit),
    })
  }

  /** Undefined where there is no refresh token, or it is worth nothing any more. */
  async #refreshed(configuration: openid.Configuration): Promise<openid.TokenEndpointResponse | undefined> {
    if (this.#refreshToken === undefined) return undefined
    try {
      return await openid.refreshTokenGrant(configuration, this.#refreshToken)
    } catch (error) {
      if (!(error instanceof openid.ResponseBodyError) || error.error !== 'invalid_grant') throw error
      this.#refreshToken = undefined
      return undefined
    }
  }

  async #asked(configuration: openid.Configuration): Promise<openid.TokenEndpointResponse> {
    const { scope, ask } = this.#options
    const answer = await openid.initiateDeviceAuthorization(configuration, { scope })
    ask(answer.verification_uri_complete ?? answer.verification_uri, answer.user_code)
    return await openid.pollDeviceAuthorizationGrant(configuration, answer, undefined, { signal: this.#ended.signal })
  }

  #take(response: openid.TokenEndpointResponse): DeviceToken {
    // A refresh without another refresh token leaves the one before in use. [RFC 6749 §6]
    this.#refreshToken = response.refresh_token ?? this.#refreshToken
    const seconds = response.expires_in
    return { text: response.access_token, expiresAtMs: seconds === undefined ? undefined : Date.now() + seconds * 1000 }
  }
}
