/** A token of the gateway's own, from client credentials, shown to the broker as the password and renewed before its end. */
import { InvalidConfiguration, type Mistake, PromotionRefused } from '../../errors.ts'
import { providerUrlProblem } from '../../strategies/jwt/jwks-fetch.ts'
import type { ClientCredentialsInput, SecretSources } from '../input.ts'
import { compileSecret } from '../secrets/secrets.ts'
import { brokerCredential, type PromotedCredential, refuseControlBytes, usernameProblem } from './broker-credential.ts'
import type { Credential } from './credential.ts'
import { PASSWORD_MECHANISMS } from './password-credential.ts'
import { requestToken } from './token-endpoint.ts'
import { type Token, TokenSource } from './token-source.ts'

/** Part of the time that is left when a token is due, over which the sessions that share it spread. */
const SPREAD_RATIO = 0.4

/** @throws InvalidConfiguration with every mistake */
export function clientCredentials(
  input: ClientCredentialsInput,
  sources: SecretSources,
  name: string | undefined,
): Credential {
  const { username, tokenUrl, clientId, scope, audience, authentication = 'basic', renew = true } = input
  const problems: Mistake[] = []
  const wrongUrl = providerUrlProblem(tokenUrl)
  if (wrongUrl !== undefined) problems.push({ path: ['oauth2', 'tokenUrl'], message: wrongUrl })
  const wrongUser = usernameProblem(username, true)
  if (wrongUser !== undefined) problems.push({ path: ['username'], message: `the broker user ${wrongUser}` })
  if (problems.length > 0) throw new InvalidConfiguration(problems)

  const secret = compileSecret(input.clientSecret, sources, { template: false })
  const source = new TokenSource(async () => {
    const clientSecret = await secret.read(undefined)
    const request = { tokenUrl, clientId, clientSecret, authentication, scope, audience }
    return await requestToken(request, sources.fetch ?? globalThis.fetch)
  })
  const made = (token: Token): PromotedCredential => {
    refuseControlBytes(token.secret)
    const { expiresAtMs, dueAtMs } = token
    const base = { username, mechanisms: PASSWORD_MECHANISMS, password: token.secret }
    if (!renew || expiresAtMs === undefined) return brokerCredential(base)
    const spreadMs = Math.random() * (expiresAtMs - dueAtMs) * SPREAD_RATIO
    const next = async () => made(await source.after(token))
    return brokerCredential({ ...base, renewal: { dueAtMs: dueAtMs + spreadMs, expiresAtMs, next } })
  }
  return {
    name,
    mechanisms: PASSWORD_MECHANISMS,
    checkedPath: ['oauth2', 'clientSecret'],
    username: () => username,
    async build() {
      return made(await source.current().catch(unavailable))
    },
    async check() {
      refuseControlBytes(await secret.read(undefined))
    },
  }
}

function unavailable(error: unknown): never {
  if (error instanceof PromotionRefused) throw error
  throw new PromotionRefused('secret-unavailable', error instanceof Error ? error.message : 'unknown failure', {
    cause: error,
  })
}
