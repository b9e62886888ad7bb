/**
 * The user's own access token, shown to the broker as the password: RabbitMQ's OAuth 2 backend reads user, permissions
 * and end from it. A fresh one comes from the client alone; the session passes it on when it does.
 */
import { type ClaimPath, claimPath } from '../../claim-path.ts'
import { InvalidConfiguration, PromotionRefused } from '../../errors.ts'
import { kindOf } from '../conditions/claim.ts'
import type { VariableFacts } from '../conditions/variables.ts'
import type { PassOnCredentialInput } from '../input.ts'
import { brokerCredential, refuseControlBytes, usernameProblem } from './broker-credential.ts'
import type { Credential } from './credential.ts'
import { PASSWORD_MECHANISMS } from './password-credential.ts'

/** More than any broker takes in its first frame, unless it is told to. */
const MAX_TOKEN_BYTES = 32_768

/** @throws InvalidConfiguration for a claim that cannot be found */
export function passOnCredential(input: PassOnCredentialInput, name: string | undefined): Credential {
  const { renew = true } = input
  const userClaim = input.userClaim === undefined ? undefined : compilePath(input.userClaim)
  const username = ({ identity }: VariableFacts): string => {
    const value = userClaim === undefined ? identity.subject : userClaim.find(identity.claims)
    if (typeof value !== 'string') {
      throw new PromotionRefused(
        'bad-value',
        `the claim ${JSON.stringify(userClaim?.text)} is ${kindOf(value)}; expected a text`,
      )
    }
    const wrong = usernameProblem(value, true)
    if (wrong !== undefined) throw new PromotionRefused('bad-value', `the broker user ${wrong}`)
    return value
  }
  return {
    name,
    mechanisms: PASSWORD_MECHANISMS,
    checkedPath: ['passOn'],
    username,
    async build(facts) {
      const user = username(facts)
      const { accessToken, authenticator } = facts.identity
      if (accessToken === undefined) {
        const detail = `there is no access token to pass on: authenticator ${authenticator} proves people without one`
        throw new PromotionRefused('secret-unavailable', detail)
      }
      if (accessToken.byteLength === 0 || accessToken.byteLength > MAX_TOKEN_BYTES) {
        const detail = `the access token has ${accessToken.byteLength} bytes; expected 1 to ${MAX_TOKEN_BYTES}`
        throw new PromotionRefused('secret-unavailable', detail)
      }
      refuseControlBytes(accessToken)
      return brokerCredential({
        username: user,
        mechanisms: PASSWORD_MECHANISMS,
        password: accessToken,
        isPassedOn: renew,
      })
    },
    check: async () => undefined,
  }
}

function compilePath(text: string): ClaimPath {
  try {
    return claimPath(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new InvalidConfiguration([{ path: ['userClaim'], message: error.message }])
  }
}
