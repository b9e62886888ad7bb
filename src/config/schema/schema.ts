/**
 * The whole configuration as one schema: what may be written (`ConfigInput`) and what the program gets (`Config`).
 *
 * `Config` has the keys of the file, with every default filled in, durations in ms, sizes in bytes, paths absolute,
 * secrets as places to look. Whether its parts fit together is not decided here but in `checks.ts`.
 */
import { z } from 'zod'
import { authenticatorSchema, type usersFileSchema } from '../../../auth/index.ts'
import { broker } from './brokers.ts'
import { drain } from './drain.ts'
import { admin, listen, log } from './listen.ts'
import { secretKey } from './secrets.ts'
import { services } from './services.ts'
import { state } from './state.ts'
import { count, filePath, name, pathPrefix } from './units.ts'

export const configSchema = z.strictObject({
  listen: listen.describe('Where clients connect: one listener or a list.'),
  basePath: pathPrefix
    .optional()
    .describe('What stands before every path where browsers see it, as `/gate` does in `/gate/amqp`; absent: nothing.'),
  basePathStripped: z
    .boolean()
    .prefault(false)
    .describe('Whether the proxy in front takes `basePath` away before it passes a request on.'),
  admin: admin.optional().describe('Health, metrics and the management API, on a listener of their own; absent: none.'),
  log: log.prefault({}).describe('What the gateway writes about itself.'),
  secretKeys: z
    .array(secretKey)
    .prefault([])
    .describe('Keys for `{ encrypted }` secrets: the first encrypts, all decrypt.'),
  brokers: z.record(name, broker).describe('Name → broker.'),
  authenticators: z.record(name, authenticatorSchema).prefault({}).describe('Name → how identities are proven.'),
  services: services.describe('The paths that clients connect to.'),
  blocks: filePath
    .optional()
    .describe('A file in which blocks are kept, so that they survive a restart; absent: they end with the process.'),
  state: state
    .optional()
    .describe(
      'What several gateways share, in a store of the Redis protocol; absent: each has its own, in its memory.',
    ),
  workers: z
    .union([count(1, 256), z.literal('auto')], {
      error: 'expected a number of processes from 1 to 256, or auto: as many as the machine has processors',
    })
    .prefault(1)
    .describe(
      'How many processes serve as one gateway; `auto`: as many as there are processors. For `gatehouse serve` only.',
    ),
  watch: z
    .boolean()
    .prefault(false)
    .describe(
      'Reloads when this file changes: a renamed file or a swapped link at once, one written in place after 1 s.',
    ),
  drain: drain
    .prefault('10s')
    .describe(
      'How sessions are ended when the gateway stops, drains or reloads. A duration alone is `over`, with `quiet` at most as long.',
    ),
})

/** What may be written, in YAML or as a plain object. */
export type ConfigInput = z.input<typeof configSchema>
/** What the program gets: see above. */
export type Config = z.output<typeof configSchema>

export type StateConfig = NonNullable<Config['state']>
export type ListenerConfig = Config['listen'][number]
/** One without an address of its own, and one with. */
export type DoorListenerConfig = Extract<ListenerConfig, { readonly door: unknown }>
export type AddressListenerConfig = Exclude<ListenerConfig, DoorListenerConfig>
export type BrokerConfig = Config['brokers'][string]
export type CredentialConfig = BrokerConfig['credentials'][string]
export type ServiceConfig = Config['services'][number]
export type RuleConfig = ServiceConfig['promote'][number]
export type PermissionConfig = NonNullable<ServiceConfig['permissions']>[number]
export type LimitsConfig = ServiceConfig['limits']
export type ConfiguredUsers = z.output<typeof usersFileSchema>['users']
export type { SecretSource } from './secrets.ts'
