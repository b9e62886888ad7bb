/** How identities are proven: one strict object for each type, told apart by `type`. Shape and defaults only. */
import { z } from 'zod'
import { basic, forwarded, passport, ticket } from './authenticators-local.ts'
import { clientCertificate, jwt, negotiate, oidc } from './authenticators-provider.ts'

export const authenticator = z.discriminatedUnion('type', [
  basic,
  jwt,
  oidc,
  ticket,
  forwarded,
  clientCertificate,
  negotiate,
  passport,
])

export type AuthenticatorConfig = z.output<typeof authenticator>
export type AuthenticatorType = AuthenticatorConfig['type']

/** Types whose credential a browser or a proxy attaches by itself: with these, any page could come in unless its Origin is listed. */
const AMBIENT_TYPES: readonly AuthenticatorType[] = ['basic', 'oidc', 'forwarded', 'clientCertificate', 'negotiate']

/** Whether the credential may arrive without the page having it in its hands. */
export function isAmbient(config: AuthenticatorConfig): boolean {
  if (config.type === 'jwt') return config.from.some((carrier) => carrier.startsWith('cookie:'))
  if (config.type === 'passport') return config.ambient
  return AMBIENT_TYPES.includes(config.type)
}
