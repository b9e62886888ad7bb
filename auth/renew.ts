/**
 * Renews an identity with a fresh secret: the authenticator that proved it proves it again, and only for the same
 * person. Anything else (another subject, another issuer, garbage) is refused, and the session's owner ends it.
 */

import { authenticatorsOf } from './authenticate.ts'
import type { Authenticator, Requirement } from './authenticator.ts'
import { combine } from './combine.ts'
import { within } from './deadline.ts'
import { AuthenticationRefused } from './errors.ts'
import { type Identity, identityKey } from './identity.ts'

const DEADLINE_MS = 5000

/**
 * Of an identity that several vouched for, the first part whose authenticator can renew is renewed; the others stay.
 * The secret's buffer stays the caller's, who overwrites it.
 * @throws AuthenticationRefused
 */
export async function renew(
  requirement: Requirement,
  identity: Identity,
  secret: Buffer,
  request: { readonly service: string },
  { deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {},
): Promise<Identity> {
  const parts = identity.parts ?? [identity]
  const authenticators = authenticatorsOf(requirement)
  for (const [index, part] of parts.entries()) {
    const authenticator = authenticators.find(({ name }) => name === part.authenticator)
    if (authenticator?.renew === undefined) continue
    const renewed = await proveAgain(authenticator, part, secret, request, deadlineMs)
    return combine(parts.with(index, renewed))
  }
  throw new AuthenticationRefused('rejected', `authenticator ${identity.authenticator} cannot renew a session`)
}

async function proveAgain(
  authenticator: Authenticator,
  identity: Identity,
  secret: Buffer,
  request: { readonly service: string },
  deadlineMs: number,
): Promise<Identity> {
  const work = Promise.resolve(authenticator.renew?.(identity, secret, request))
  const outcome = await within(deadlineMs, `authenticator ${authenticator.name}`, work).catch((cause: unknown) => {
    const detail = `authenticator ${authenticator.name} failed: ${cause instanceof Error ? cause.message : 'unknown error'}`
    throw new AuthenticationRefused('rejected', detail, { cause })
  })
  if (outcome?.kind === 'refused')
    throw new AuthenticationRefused(outcome.malformed ? 'malformed' : 'rejected', outcome.detail)
  if (outcome?.kind !== 'proven') throw new AuthenticationRefused('missing', 'the secret is none')
  const renewed = outcome.identity
  if (identityKey(renewed) !== identityKey(identity)) {
    throw new AuthenticationRefused('rejected', 'the fresh credential is somebody else’s')
  }
  if (renewed.expiresAtMs !== undefined && renewed.expiresAtMs <= Date.now()) {
    throw new AuthenticationRefused('rejected', 'the fresh credential has expired')
  }
  return renewed
}
