/**
 * Identities as text, for values that are sealed: the one place where an access token leaves its `Secret`. What comes back
 * is frozen, as authenticators hand it out.
 */
import { type Identity, Secret } from '../../auth/index.ts'

/** As in `Identity`, with the access token in the clear. */
interface WrittenIdentity extends Omit<Identity, 'accessToken' | 'parts'> {
  readonly accessToken?: string
  readonly parts?: readonly WrittenIdentity[]
}

export function writtenIdentity({ accessToken, parts, ...identity }: Identity): WrittenIdentity {
  return {
    ...identity,
    ...(accessToken !== undefined && { accessToken: revealed(accessToken) }),
    ...(parts !== undefined && { parts: parts.map(writtenIdentity) }),
  }
}

/** Only for what this gateway, or one with its key, has written. */
export function readIdentity({ accessToken, parts, ...identity }: WrittenIdentity): Identity {
  return {
    ...frozen(identity),
    ...(accessToken !== undefined && { accessToken: new Secret(Buffer.from(accessToken, 'base64url')) }),
    ...(parts !== undefined && { parts: parts.map(readIdentity) }),
  }
}

export type { WrittenIdentity }

export function revealed(secret: Secret): string {
  const bytes = secret.reveal()
  const text = bytes.toString('base64url')
  bytes.fill(0)
  return text
}

function frozen<T extends object>(value: T): T {
  for (const one of Object.values(value)) if (typeof one === 'object' && one !== null) frozen(one as object)
  return Object.freeze(value)
}
