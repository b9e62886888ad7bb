/** What a broker needs, as definitions that RabbitMQ imports. Without passwords and their hashes. */
import { type BrokerNeeds, type BrokerUserNeeds, rightsOf } from './broker-needs.ts'

export interface Definitions {
  readonly vhosts: readonly { readonly name: string }[]
  readonly users: readonly { readonly name: string; readonly tags: readonly string[] }[]
  readonly permissions: readonly {
    readonly user: string
    readonly vhost: string
    readonly configure: string
    readonly write: string
    readonly read: string
  }[]
}

export function definitionsOf({ vhosts, users }: BrokerNeeds): Definitions {
  const known = users.filter(({ login }) => login.kind !== 'token')
  return {
    vhosts: vhosts.map((name) => ({ name })),
    users: known.map(({ name, isImpersonator }) => ({ name, tags: isImpersonator ? ['impersonator'] : [] })),
    permissions: known.flatMap(permissionsOf),
  }
}

function permissionsOf({ name: user, permissions }: BrokerUserNeeds): Definitions['permissions'] {
  return [...permissions].map(([vhost, granted]) => ({ user, vhost, ...rightsOf(granted, user) }))
}
