/**
 * The gateway as a client of one OpenID provider: discovery, the authorization code flow with PKCE, state and nonce, and
 * refreshing. Every failure is one of two kinds: the provider (or what it sent) says no, or it cannot be asked now.
 */
import * as openid from 'openid-client'
import { type ClientAuthentication, clientAuthentication } from '../../client-authentication.ts'
import { Secret } from '../../secret.ts'
import type { PendingLogin } from '../../state/pending-logins.ts'
import type { JsonObject } from '../jwt/json.ts'
import { describe } from '../jwt/jwks.ts'
import { boundedFetch, type Fetch } from '../jwt/jwks-fetch.ts'
import { BoundedLine } from './bounded-line.ts'

export interface OidcClientOptions {
  readonly issuer: string
  readonly clientId: string
  /** Read when the provider is discovered; absent for a public client. */
  readonly readSecret?: (() => Promise<Secret>) | undefined
  /** How the secret is shown; absent: as the provider's metadata asks for. */
  readonly clientAuthentication?: ClientAuthentication | undefined
  /** Whether the provider's UserInfo endpoint is asked for claims that it leaves out of the ID token. */
  readonly userinfo?: boolean | undefined
  readonly redirectUri: string
  /** Separated by spaces. */
  readonly scope: string
  /** What else the provider wants to be asked with, such as `prompt` or `audience`. */
  readonly parameters?: Readonly<Record<string, string>>
  readonly fetch?: Fetch
}

/** Whose no it is: `cancelled` that of the person, or of the provider about the person; the last one may be otherwise a moment later. */
type ProviderErrorKind = 'refused' | 'cancelled' | 'unavailable'

/** The message is for operators. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError'
  readonly kind: ProviderErrorKind

  constructor(kind: ProviderErrorKind, message: string, options: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** What the provider gave for a code or a refresh token; its signature and times are checked. */
export interface ProviderTokens {
  /** The ID token's claims; a refresh may bring none. */
  readonly claims: JsonObject | undefined
  /** What the UserInfo endpoint says about the same `sub`, where it is asked. */
  readonly userInfo: JsonObject | undefined
  readonly accessToken: Secret
  readonly refreshToken: Secret | undefined
  /** The access token's life from now on, s. */
  readonly expiresInSeconds: number | undefined
}

/** What the provider gives to a program; its person types `userCode` at `verificationUri`. */
export interface DeviceCode {
  readonly deviceCode: string
  readonly userCode: string
  readonly verificationUri: string
  readonly verificationUriComplete: string | undefined
  readonly expiresInSeconds: number
  /** How long the program waits between two questions, s. */
  readonly interval: number
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
/** Where the provider does not say. [RFC 8628 §3.2] */
const DEVICE_INTERVAL_SECONDS = 5

/** Codes of openid-client for answers that are no answers. */
const UNANSWERED = [
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  undefined,
]

/** Of a token endpoint: about the gateway as its client, and about nobody who logs in. [RFC 6749 §5.2] */
const ABOUT_THE_CLIENT = ['invalid_client', 'unauthorized_client']
const COMPARE =
  'compare clientId and clientSecret with what is registered there; clientAuthentication says how it is sent'

/** Requests to a provider at once, and waiting: a provider that is slow, or strangers with many codes, hold up no more. */
const RUNNING_COUNT = 32
const WAITING_COUNT = 1000

export class OidcClient {
  readonly #options: OidcClientOptions
  readonly #slots = new BoundedLine(RUNNING_COUNT, WAITING_COUNT)
  #discovered: Promise<openid.Configuration> | undefined

  constructor(options: OidcClientOptions) {
    this.#options = options
  }

  /** Where to send the browser. */
  async authorizationUrl({ state, nonce, verifier }: PendingLogin): Promise<string> {
    const configuration = await this.#configuration()
    const { redirectUri, scope, parameters } = this.#options
    return openid.buildAuthorizationUrl(configuration, {
      ...parameters,
      redirect_uri: redirectUri,
      scope,
      state,
      nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).href
  }

  /** Exchanges the code in the callback's query. @throws {ProviderError} */
  async exchange(query: URLSearchParams, { state, nonce, verifier }: PendingLogin): Promise<ProviderTokens> {
    const configuration = await this.#configuration()
    const url = new URL(this.#options.redirectUri)
    url.search = query.toString()
    const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true }
    try {
      const response = await this.#slots.run(() => openid.authorizationCodeGrant(configuration, url, checks))
      const tokens = tokensOf(response)
      return { ...tokens, userInfo: await this.#userInfo(configuration, tokens.accessToken, response.claims()?.sub) }
    } catch (error) {
      throw providerError(error, 'exchange')
    }
  }

  /** Begins the login of a program; undefined where the provider has none. [RFC 8628 §3.1] @throws {ProviderError} */
  async beginDevice(): Promise<DeviceCode | undefined> {
    const configuration = await this.#configuration()
    if (configuration.serverMetadata().device_authorization_endpoint === undefined) return undefined
    const { scope } = this.#options
    try {
      const begun = await this.#slots.run(() => openid.initiateDeviceAuthorization(configuration, { scope }))
      return {
        deviceCode: begun.device_code,
        userCode: begun.user_code,
        verificationUri: begun.verification_uri,
        verificationUriComplete: begun.verification_uri_complete,
        expiresInSeconds: begun.expires_in,
        interval: begun.interval ?? DEVICE_INTERVAL_SECONDS,
      }
    } catch (error) {
      throw providerError(error, 'exchange')
    }
  }

  /** Asks once for what such a code stands for. [RFC 8628 §3.4, §3.5] @throws {ProviderError} */
  async deviceTokens(deviceCode: Secret): Promise<ProviderTokens | 'pending' | 'slow-down'> {
    const configuration = await this.#configuration()
    const parameters = { device_code: deviceCode.reveal().toString() }
    try {
      const response = await this.#slots.run(() => openid.genericGrantRequest(configuration, DEVICE_GRANT, parameters))
      const tokens = tokensOf(response)
      return { ...tokens, userInfo: await this.#userInfo(configuration, tokens.accessToken, response.claims()?.sub) }
    } catch (error) {
      if (error instanceof openid.ResponseBodyError && error.error === 'authorization_pending') return 'pending'
      if (error instanceof openid.ResponseBodyError && error.error === 'slow_down') return 'slow-down'
      throw providerError(error, 'exchange')
    }
  }

  /** Without what UserInfo says. @throws {ProviderError} */
  async refresh(refreshToken: Secret): Promise<ProviderTokens> {
    const configuration = await this.#configuration()
    try {
      const token = refreshToken.reveal().toString()
      return tokensOf(await this.#slots.run(() => openid.refreshTokenGrant(configuration, token)))
    } catch (error) {
      throw providerError(error, 'refresh')
    }
  }

  /** Refreshed tokens with what UserInfo says about their `sub`, where it is to be asked. @throws {ProviderError} */
  async withUserInfo(tokens: ProviderTokens, sub: string): Promise<ProviderTokens> {
    const configuration = await this.#configuration()
    try {
      return { ...tokens, userInfo: await this.#userInfo(configuration, tokens.accessToken, sub) }
    } catch (error) {
      throw providerError(error, 'refresh')
    }
  }

  /**
   * Has a refresh token taken back; does nothing where the provider offers no such thing. [RFC 7009 §2]
   * @throws {ProviderError}
   */
  async revoke(refreshToken: Secret): Promise<void> {
    const configuration = await this.#configuration()
    if (configuration.serverMetadata().revocation_endpoint === undefined) return
    const token = refreshToken.reveal().toString()
    const hint = { token_type_hint: 'refresh_token' }
    try {
      await this.#slots.run(() => openid.tokenRevocation(configuration, token, hint))
    } catch (error) {
      throw providerError(error, 'exchange')
    }
  }

  /** The provider's metadata. @throws {ProviderError} `unavailable` */
  async metadata(): Promise<openid.ServerMetadata> {
    return (await this.#configuration()).serverMetadata()
  }

  /**
   * Where people log out at the provider; undefined where it has no such place. It names the client, so that a page may add
   * an address to return to [OpenID Connect RP-Initiated Logout §2].
   * @throws {ProviderError} `unavailable`
   */
  async logoutUrl(): Promise<string | undefined> {
    const configuration = await this.#configuration()
    if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined
    return openid.buildEndSessionUrl(configuration).href
  }

  /** Discovers anew, with the secret as it is then, the next time it is needed. */
  forget(): void {
    this.#discovered = undefined
  }

  /** Rejects where it speaks of anybody but `sub` [OpenID Connect Core §5.3.2]. */
  async #userInfo(
    configuration: openid.Configuration,
    accessToken: Secret,
    sub: string | undefined,
  ): Promise<JsonObject | undefined> {
    if (this.#options.userinfo !== true || sub === undefined) return undefined
    const token = accessToken.reveal().toString()
    return await this.#slots.run(() => openid.fetchUserInfo(configuration, token, sub))
  }

  #configuration(): Promise<openid.Configuration> {
    const discovering = this.#discovered ?? this.#discover()
    this.#discovered = discovering
    discovering.catch(() => {
      if (this.#discovered === discovering) this.#discovered = undefined
    })
    return discovering
  }

  async #discover(): Promise<openid.Configuration> {
    const { issuer, clientId, readSecret, clientAuthentication: method, fetch = globalThis.fetch } = this.#options
    const isPlain = issuer.startsWith('http:')
    const execute = [openid.enableNonRepudiationChecks, ...(isPlain ? [openid.allowInsecureRequests] : [])]
    try {
      const secret = (await readSecret?.())?.reveal().toString()
      const configuration = await openid.discovery(
        new URL(issuer),
        clientId,
        undefined,
        authenticationOf(secret, method),
        {
          execute,
          timeout: 5,
          [openid.customFetch]: (url, init) => boundedFetch(fetch, url, init as RequestInit),
        },
      )
      const found = configuration.serverMetadata().issuer
      // Two texts may be one URL; a token's `iss` is compared as text.
      if (found !== issuer) throw new Error(`the provider calls itself ${found}, not ${issuer}`)
      return configuration
    } catch (error) {
      throw new ProviderError('unavailable', `${issuer} cannot be discovered: ${describe(error)}`, { cause: error })
    }
  }
}

/** Without a method as the provider's metadata asks for; Basic where it does not say [OpenID Connect Discovery §3]. */
function authenticationOf(secret: string | undefined, method: ClientAuthentication | undefined): openid.ClientAuth {
  if (secret === undefined) return openid.None()
  if (method !== undefined) return clientAuthentication(secret, method)
  const [basic, post] = [clientAuthentication(secret, 'basic'), clientAuthentication(secret, 'post')]
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const authenticate = methods.includes('client_secret_basic') ? basic : post
    authenticate(server, client, body, headers)
  }
}

function tokensOf(response: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers): ProviderTokens {
  return {
    claims: response.claims(),
    userInfo: undefined,
    accessToken: new Secret(response.access_token),
    refreshToken: response.refresh_token === undefined ? undefined : new Secret(response.refresh_token),
    expiresInSeconds: response.expires_in,
  }
}

function providerError(error: unknown, step: 'exchange' | 'refresh'): ProviderError {
  if (error instanceof openid.AuthorizationResponseError) {
    // [RFC 6749 §4.1.2.1]
    const kind = error.error === 'access_denied' ? 'cancelled' : 'refused'
    return new ProviderError(kind, `the provider says ${error.error}`, { cause: error })
  }
  if (error instanceof openid.WWWAuthenticateChallengeError) {
    // UserInfo asks for a bearer token, and the token endpoint for the client's secret. [RFC 6750 §3, RFC 6749 §5.2]
    const isUserInfo = error.cause.some(({ scheme }) => scheme === 'bearer')
    const complaint = isUserInfo
      ? `the provider's UserInfo does not take the provider's own access token (${error.status})`
      : `the provider does not take the gateway as its client (${error.status}): ${COMPARE}`
    return new ProviderError('unavailable', complaint, { cause: error })
  }
  if (error instanceof openid.ResponseBodyError) {
    const isAboutClient = ABOUT_THE_CLIENT.includes(error.error)
    // Any other complaint about a refresh is about the gateway, too.
    const isFinal = error.status < 500 && !isAboutClient && (step === 'exchange' || error.error === 'invalid_grant')
    const hint = error.error === 'invalid_client' ? `: ${COMPARE}` : ''
    const complaint = `the provider says ${error.error}${hint}`
    return new ProviderError(isFinal ? 'refused' : 'unavailable', complaint, { cause: error })
  }
  if (error instanceof openid.ClientError && !UNANSWERED.includes(error.code)) {
    return new ProviderError('refused', `the provider's answer is not acceptable: ${describe(error)}`, { cause: error })
  }
  return new ProviderError('unavailable', `the provider does not answer: ${describe(error)}`, { cause: error })
}
