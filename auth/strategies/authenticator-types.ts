/** What the registry comes to: one schema for all types, and the descriptor of each. */
import { z } from 'zod'
import type { AuthenticatorDescriptor } from './descriptor.ts'
import * as registry from './registry.ts'

type Registered = (typeof registry)[keyof typeof registry]
type RegisteredSchema = Registered['schema']

/** An authenticator's entry in the configuration, with all defaults. */
export type AuthenticatorConfig = z.output<RegisteredSchema>

const descriptors: Readonly<Record<AuthenticatorConfig['type'], AuthenticatorDescriptor>> = { ...registry }

const schemas = Object.values(registry).map(({ schema }) => schema) as [RegisteredSchema, ...RegisteredSchema[]]

/** How identities are proven: one strict object for each type, told apart by `type`. Shape and defaults only. */
export const authenticatorSchema = z.discriminatedUnion('type', schemas)

/** All that is to be known of the authenticator's type. */
export function descriptorOf({ type }: { readonly type: AuthenticatorConfig['type'] }): AuthenticatorDescriptor {
  return descriptors[type]
}
