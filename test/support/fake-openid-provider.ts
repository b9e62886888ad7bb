/**
 * An OpenID provider that does as a test says, also what no real one would: wrong signatures, other people's tokens,
 * silence. Not a judge of what is right; that is the real provider in openid-provider.ts.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type ForgeKey, forgeKey, publicJwk, signToken } from './token-forge.ts'

type Json = Record<string, unknown>

export interface TokenRequest {
  readonly form: URLSearchParams
  readonly authorization: string | undefined
}

export class FakeOpenidProvider {
  readonly key: ForgeKey = forgeKey('RS256', 'current')
  readonly requests: TokenRequest[] = []
  /** What the revocation endpoint was asked; metadata name it only where a test says so. */
  readonly revocations: TokenRequest[] = []
  /** What the next ID token says beside the standard claims; `null` removes one. */
  claims: Json = {}
  /** What the next token response says otherwise. */
  response: Json = {}
  /** Signs the next ID token instead of `key`. */
  signer: ForgeKey | undefined
  /** Answers the token endpoint instead of the usual one. */
  answer: ((response: ServerResponse) => void) | undefined
  /** Answers the revocation endpoint instead of a plain 200. */
  revoked: ((response: ServerResponse) => void) | undefined
  /** Answers the UserInfo endpoint. */
  userInfo: (accessToken: string) => { status: number; body: Json; headers?: Record<string, string> } = () => ({
    status: 200,
    body: { sub: 'joe' },
  })
  /** Changes the metadata. */
  metadata: Json = {}
  isDown = false
  discoveryCount = 0
  readonly #server: Server
  readonly #codes = new Map<string, { nonce: string; challenge: string; redirectUri: string }>()
  #nextCode = 1

  constructor() {
    this.#server = createServer((request, response) => {
      this.#route(request, response).catch((error: unknown) => response.destroy(error as Error))
    })
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** What the provider sends the browser back with, once somebody has logged in at `location`. */
  authorize(location: string): URLSearchParams {
    const query = new URL(location).searchParams
    const code = `code-${this.#nextCode++}`
    this.#codes.set(code, {
      nonce: query.get('nonce') ?? '',
      challenge: query.get('code_challenge') ?? '',
      redirectUri: query.get('redirect_uri') ?? '',
    })
    return new URLSearchParams({ code, state: query.get('state') ?? '', iss: this.issuer })
  }

  /** A logout token; `claims` as above, `header` beside `alg` and `kid`. */
  logoutToken(claims: Json, header: Json = {}, key: ForgeKey = this.key): string {
    const now = Math.floor(Date.now() / 1000)
    return signToken(
      { alg: key.alg, kid: key.kid, typ: 'logout+jwt', ...header },
      {
        iss: this.issuer,
        aud: 'gatehouse',
        iat: now,
        exp: now + 120,
        jti: `jti-${this.#nextCode++}`,
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        ...claims,
      },
      key,
    )
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.isDown) {
      request.socket.destroy()
      return
    }
    switch (request.url) {
      case '/.well-known/openid-configuration':
        this.discoveryCount += 1
        return json(response, 200, this.#metadata())
      case '/jwks':
        return json(response, 200, { keys: [publicJwk(this.key)] })
      case '/token':
        return await this.#token(request, response)
      case '/revoke': {
        const form = new URLSearchParams(await text(request))
        this.revocations.push({ form, authorization: request.headers.authorization })
        if (this.revoked !== undefined) return this.revoked(response)
        response.writeHead(200).end()
        return
      }
      case '/userinfo': {
        const { status, body, headers } = this.userInfo((request.headers.authorization ?? '').replace('Bearer ', ''))
        return json(response, status, body, headers)
      }
      default:
        return json(response, 404, {})
    }
  }

  #metadata(): Json {
    const { issuer } = this
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
      end_session_endpoint: `${issuer}/logout`,
      authorization_response_iss_parameter_supported: true,
      ...this.metadata,
    }
  }

  async #token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request))
    this.requests.push({ form, authorization: request.headers.authorization })
    if (this.answer !== undefined) return this.answer(response)
    if (form.get('grant_type') === 'refresh_token') return json(response, 200, this.#tokens(undefined))
    const granted = this.#codes.get(form.get('code') ?? '')
    this.#codes.delete(form.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (granted === undefined || granted.challenge !== challenge || granted.redirectUri !== form.get('redirect_uri')) {
      return json(response, 400, { error: 'invalid_grant' })
    }
    return json(response, 200, this.#tokens(granted.nonce))
  }

  #tokens(nonce: string | undefined): Json {
    const now = Math.floor(Date.now() / 1000)
    const key = this.signer ?? this.key
    const claims = { iss: this.issuer, aud: 'gatehouse', sub: 'joe', iat: now, exp: now + 300, nonce, ...this.claims }
    const said = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null))
    const idToken = signToken({ alg: key.alg, kid: key.kid }, said, key)
    const tokens = {
      access_token: `access-${this.#nextCode++}`,
      token_type: 'Bearer',
      expires_in: 60,
      id_token: idToken,
    }
    const all = { ...tokens, refresh_token: `refresh-${this.#nextCode++}`, ...this.response }
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
  }
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers?: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
