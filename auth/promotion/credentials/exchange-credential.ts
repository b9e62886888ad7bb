/**
 * A token that the provider makes of the user's own, narrowed to the broker [RFC 8693], shown as the password: the broker sees
 * who it is, and the user's token never leaves the gateway. Sessions of one token share the exchange. It is exchanged again
 * before its end, and when the client brings a fresh token.
 */
import { createHash } from 'node:crypto'
import { type ClaimPath, claimPath } from '../../claim-path.ts'
import { InvalidConfiguration, type Mistake, PromotionRefused } from '../../errors.ts'
import { KeptAnswers } from '../../kept-answers.ts'
import { ProviderEndpoint } from '../../provider-endpoint.ts'
import type { Secret } from '../../secret.ts'
import { providerUrlProblem } from '../../strategies/jwt/jwks-fetch.ts'
import { kindOf } from '../conditions/claim.ts'
import type { VariableFacts } from '../conditions/variables.ts'
import type { ExchangeCredentialInput, SecretSources } from '../input.ts'
import { compileSecret } from '../secrets/secrets.ts'
import { brokerCredential, type PromotedCredential, refuseControlBytes, usernameProblem } from './broker-credential.ts'
import type { Credential } from './credential.ts'
import { PASSWORD_MECHANISMS } from './password-credential.ts'
import { exchangeToken } from './token-endpoint.ts'
import type { FetchedToken } from './token-source.ts'

const KEPT_COUNT = 10_000
const KEPT_MS = 60_000
/** Part of a token's life after which it is exchanged again. */
const DUE_RATIO = 0.75
const MAX_TOKEN_BYTES = 32_768

/** @throws InvalidConfiguration with every mistake */
export function exchangeCredential(
  input: ExchangeCredentialInput,
  sources: SecretSources,
  name: string | undefined,
): Credential {
  const { issuer, tokenUrl, clientId, audience, scope, authentication = 'basic', renew = true } = input
  const mistakes: Mistake[] = []
  if (issuer === undefined && tokenUrl === undefined)
    mistakes.push({ path: ['exchange', 'issuer'], message: 'missing: `issuer`, or the endpoint as `tokenUrl`' })
  const wrongUrl = providerUrlProblem(tokenUrl ?? issuer ?? 'https://idp.example.com')
  if (wrongUrl !== undefined)
    mistakes.push({ path: ['exchange', tokenUrl === undefined ? 'issuer' : 'tokenUrl'], message: wrongUrl })
  if (mistakes.length > 0) throw new InvalidConfiguration(mistakes)

  const userClaim = input.userClaim === undefined ? undefined : compilePath(input.userClaim)
  const secret = compileSecret(input.clientSecret, sources, { template: false })
  const fetch = sources.fetch ?? globalThis.fetch
  const endpoint = new ProviderEndpoint({ issuer, url: tokenUrl }, 'token_endpoint', fetch)
  const kept = new KeptAnswers<FetchedToken>(KEPT_COUNT, KEPT_MS)

  const exchanged = async (subjectToken: Secret): Promise<FetchedToken> => {
    const place = await endpoint.url()
    const clientSecret = await secret.read(undefined)
    const request = { tokenUrl: place, clientId, clientSecret, authentication, scope, audience, subjectToken }
    return await exchangeToken(request, fetch)
  }
  /** One exchange for all sessions of a token, also when they renew. */
  const current = async (subjectToken: Secret): Promise<FetchedToken> => {
    return await kept.get(digestOf(subjectToken), async () => {
      const value = await exchanged(subjectToken)
      return { value, expiresAtMs: value.expiresAtMs }
    })
  }
  const made = (username: string, subjectToken: Secret, token: FetchedToken): PromotedCredential => {
    refuseControlBytes(token.secret)
    const base = { username, mechanisms: PASSWORD_MECHANISMS, password: token.secret, isPassedOn: renew }
    const { expiresAtMs } = token
    if (!renew || expiresAtMs === undefined) return brokerCredential(base)
    const nowMs = Date.now()
    const dueAtMs = nowMs + (expiresAtMs - nowMs) * DUE_RATIO
    // By then the one that is kept is another: an answer is kept for half of its life at most.
    const next = async () => made(username, subjectToken, await current(subjectToken))
    return brokerCredential({ ...base, renewal: { dueAtMs, expiresAtMs, next } })
  }
  const username = ({ identity }: VariableFacts): string => {
    const value = userClaim === undefined ? identity.subject : userClaim.find(identity.claims)
    if (typeof value !== 'string')
      throw new PromotionRefused(
        'bad-value',
        `the claim ${JSON.stringify(userClaim?.text)} is ${kindOf(value)}; expected a text`,
      )
    const wrong = usernameProblem(value, true)
    if (wrong !== undefined) throw new PromotionRefused('bad-value', `the broker user ${wrong}`)
    return value
  }
  return {
    name,
    mechanisms: PASSWORD_MECHANISMS,
    checkedPath: ['exchange', 'clientSecret'],
    username,
    async build(facts) {
      const user = username(facts)
      const { accessToken, authenticator } = facts.identity
      if (accessToken === undefined) {
        const detail = `there is no access token to exchange: authenticator ${authenticator} proves people without one`
        throw new PromotionRefused('secret-unavailable', detail)
      }
      if (accessToken.byteLength === 0 || accessToken.byteLength > MAX_TOKEN_BYTES)
        throw new PromotionRefused('secret-unavailable', `the access token has ${accessToken.byteLength} bytes`)
      return made(user, accessToken, await current(accessToken).catch(unavailable))
    },
    async check() {
      refuseControlBytes(await secret.read(undefined))
    },
  }
}

function digestOf(token: Secret): string {
  const bytes = token.reveal()
  const digest = createHash('sha256').update(bytes).digest('base64url')
  bytes.fill(0)
  return digest
}

function compilePath(text: string): ClaimPath {
  try {
    return claimPath(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new InvalidConfiguration([{ path: ['userClaim'], message: error.message }])
  }
}

function unavailable(error: unknown): never {
  if (error instanceof PromotionRefused) throw error
  const detail = error instanceof Error ? error.message : 'unknown failure'
  throw new PromotionRefused('secret-unavailable', detail, { cause: error })
}
