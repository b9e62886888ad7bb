/** What an entitlement service answers about somebody, for `explain --entitlements`. */
import {
  type Entitlement,
  EntitlementRefused,
  EntitlementUnavailable,
  type Identity,
  type SecretSources,
} from '../../../auth/index.ts'
import { CommandFailed, UsageError } from '../exit.ts'
import { entitlementsOf, type OfflineService } from '../offline.ts'

export interface AskedEntitlements {
  readonly lines: readonly string[]
  readonly entitlement: Entitlement | undefined
  /** Why the service says no. */
  readonly refused: string | undefined
}

/** Stands in for a session's id, of which there is none. */
const SESSION = 'SESSION'

/** Undefined where the rules refuse already. @throws UsageError where there is nobody to ask, CommandFailed where nobody answers */
export async function askEntitlements(
  { config, promotion }: OfflineService,
  { identity, address }: { readonly identity: Identity; readonly address: string },
  sources: SecretSources,
): Promise<AskedEntitlements | undefined> {
  const entitlements = entitlementsOf(config, sources)
  if (entitlements === undefined)
    throw new UsageError(`explain: the service ${config.path} has no \`entitlements\``, { command: 'explain' })
  const { result } = promotion.explain({ identity, address, session: SESSION })
  if (result.kind === 'refused') return undefined
  const { vhosts, username = '' } = result
  const vhost = 'pinned' in vhosts ? vhosts.pinned : undefined
  const question = { identity, service: config.path, address, user: username, vhost, session: SESSION }
  try {
    const entitlement = await entitlements.ask(question)
    return { lines: linesOf(entitlement), entitlement, refused: undefined }
  } catch (error) {
    if (error instanceof EntitlementRefused)
      return { lines: ['entitlements: refused'], entitlement: undefined, refused: error.message }
    if (error instanceof EntitlementUnavailable) throw new CommandFailed(error.message, { cause: error })
    throw error
  }
}

function linesOf({ roles, permissions, untilMs }: Entitlement): string[] {
  const ends = untilMs === undefined ? '' : `, until ${new Date(untilMs).toISOString()}`
  const list = (['configure', 'write', 'read'] as const).flatMap((name) =>
    permissions[name].map((grant) => `entitlements: ${name} ${JSON.stringify(grant)}`),
  )
  return [`entitlements: allowed${ends}; roles ${roles.length === 0 ? 'none' : roles.join(', ')}`, ...list]
}
