/**
 * A login of a person at a program without a page: the provider gives a code, the person types it into any browser, and the
 * program gets tokens [RFC 8628]. A provider that has no such codes sends a browser of this machine back to the program
 * [RFC 8252 §7.3], with PKCE [RFC 7636]. Later tokens are had with the refresh token; the person is asked again when the
 * provider wants it. [RFC 6749 §6]
 */
import * as openid from 'openid-client'
import { describe } from '../strategies/jwt/jwks.ts'
import { boundedFetch, type Fetch, providerUrlProblem } from '../strategies/jwt/jwks-fetch.ts'
import { LoopbackRedirect } from './loopback-redirect.ts'

const TIMEOUT_SECONDS = 10
/** For the person in the browser; where there is a code, the provider says how long. */
const VISIT_MS = 10 * 60 * 1000

export interface DeviceLoginOptions {
  readonly issuer: string
  /** A public client, for which the provider allows device codes, or else `http://127.0.0.1/` with any port. */
  readonly clientId: string
  /** Separated by spaces. */
  readonly scope: string
  /** Shows the person where to go, and with which code; without one it has to be a browser of this machine. */
  readonly ask: (url: string, code: string | undefined) => void
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
      if (error instanceof openid.ResponseBodyError || error instanceof openid.AuthorizationResponseError)
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
    if (configuration.serverMetadata().device_authorization_endpoint === undefined)
      return await this.#visited(configuration)
    const answer = await openid.initiateDeviceAuthorization(configuration, { scope })
    ask(answer.verification_uri_complete ?? answer.verification_uri, answer.user_code)
    return await openid.pollDeviceAuthorizationGrant(configuration, answer, undefined, { signal: this.#ended.signal })
  }

  /** The same in a browser of this machine. */
  async #visited(configuration: openid.Configuration): Promise<openid.TokenEndpointResponse> {
    const { scope, ask } = this.#options
    const [state, verifier] = [openid.randomState(), openid.randomPKCECodeVerifier()]
    const redirect = await LoopbackRedirect.open(state)
    try {
      const parameters: Record<string, string> = {
        ...{ scope, state, redirect_uri: redirect.url },
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }
      // Without it a provider gives no refresh token. [OpenID Connect Core 1.0 §11]
      if (scope.split(' ').includes('offline_access')) parameters['prompt'] = 'consent'
      ask(openid.buildAuthorizationUrl(configuration, parameters).href, undefined)
      const inTime = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(VISIT_MS)])
      const answer = await redirect.answer(inTime)
      return await openid.authorizationCodeGrant(configuration, answer, {
        expectedState: state,
        pkceCodeVerifier: verifier,
      })
    } finally {
      redirect.close()
    }
  }

  #take(response: openid.TokenEndpointResponse): DeviceToken {
    // A refresh without another refresh token leaves the one before in use. [RFC 6749 §6]
    this.#refreshToken = response.refresh_token ?? this.#refreshToken
    const seconds = response.expires_in
    return { text: response.access_token, expiresAtMs: seconds === undefined ? undefined : Date.now() + seconds * 1000 }
  }
}
