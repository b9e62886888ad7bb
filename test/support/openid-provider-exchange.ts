/**
 * Token exchange [RFC 8693] for the provider of openid-provider-program.ts, as a grant type of its own: oidc-provider has the
 * clients, their secrets and the tokens, and leaves to its operator which token is exchanged for which. Here that is any access
 * token of the provider's, for one of the same person and another audience.
 */
import { type KeyObject, verify } from 'node:crypto'
import type { ProviderSettings } from './openid-provider.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const PARAMETERS = ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'scope']

export type ExchangeSettings = NonNullable<ProviderSettings['exchange']>

interface Context {
  readonly oidc: { readonly client: object; readonly params: Readonly<Record<string, string | undefined>> }
  body: unknown
}
interface AccessToken {
  resourceServer: object
  readonly expiration: number
  save(): Promise<string>
}

/** What is taken of oidc-provider. */
export interface Exchanging {
  readonly AccessToken: new (of: object) => AccessToken
  readonly ResourceServer: new (identifier: string, info: object) => object
  registerGrantType(name: string, handler: (context: Context) => Promise<void>, params: readonly string[]): void
}
export interface ExchangeErrors {
  readonly InvalidGrant: new (detail: string) => Error
  readonly InvalidTarget: new (detail: string) => Error
}

/** The client that exchanges. */
export function exchangeClient({ secret }: ExchangeSettings): object {
  return {
    client_id: 'exchanger',
    client_secret: secret,
    grant_types: [GRANT],
    response_types: [],
    redirect_uris: [],
  }
}

/** @param key by which the provider signs its tokens */
export function registerExchange(
  provider: Exchanging,
  { InvalidGrant, InvalidTarget }: ExchangeErrors,
  key: KeyObject,
  { audience, accessTokenSeconds }: ExchangeSettings,
): void {
  const exchange = async (context: Context): Promise<void> => {
    const { client, params } = context.oidc
    const subject = params['subject_token_type'] === ACCESS_TOKEN ? subjectOf(params['subject_token'], key) : undefined
    if (subject === undefined) throw new InvalidGrant('the subject token is none of this provider, or has ended')
    if (params['audience'] !== audience) throw new InvalidTarget('there are no tokens for this audience')
    const { scope = '' } = params
    const token = new provider.AccessToken({
      client,
      accountId: subject,
      scope,
      gty: GRANT,
      expiresIn: accessTokenSeconds,
    })
    token.resourceServer = new provider.ResourceServer(`urn:${audience}`, {
      scope,
      audience,
      accessTokenTTL: accessTokenSeconds,
      accessTokenFormat: 'jwt',
    })
    context.body = {
      access_token: await token.save(),
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: token.expiration,
      scope,
    }
  }
  provider.registerGrantType(GRANT, exchange, PARAMETERS)
}

/** Of a token of the provider's that has not ended. */
function subjectOf(token = '', key: KeyObject): string | undefined {
  const [head = '', payload = '', signature = ''] = token.split('.')
  const isOwn = verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'))
  if (!isOwn) return undefined
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub?: string; exp: number }
  return claims.exp * 1000 > Date.now() ? claims.sub : undefined
}
