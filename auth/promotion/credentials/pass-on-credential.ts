/**
 * The user's own access token, shown to the broker as the password: RabbitMQ's OAuth 2 backend reads user, permissions
 * and end from it. A fresh one comes from the client alone; the session passes it on when it does.
 */
import { PromotionRefused } from '../../errors.ts'
import { claimOf, kindOf } from '../conditions/claim.ts'
import type { VariableFacts } from '../conditions/variables.ts'
import type { PassOnCredentialInput } from '../input.ts'
import { brokerCredential, refuseControlBytes, usernameProblem } from './broker-credential.ts'
import type { Credential } from './credential.ts'
import { PASSWORD_MECHANISMS } from './password-credential.ts'

/** More than any broker takes in its first frame, unless it is told to. */
const MAX_TOKEN_BYTES = 32_768

export function passOnCredential(input: PassOnCredentialInput, name: string | undefined): Credential {
  const { userClaim, renew = true } = input
  const username = ({ identity }: VariableFacts): string => {
    const value = userClaim === undefined ? identity.subject : claimOf(identity.claims, userClaim)
    if (typeof value !== 'string') {
      throw new PromotionRefused(
        'bad-value',
        `the claim ${JSON.stringify(userClaim)} is ${kindOf(value)}; expected a text`,
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
