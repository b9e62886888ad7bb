/** How somebody stands at a service at the moment: what they may do, and how much of their limits they use. */

/** A limit of one identity over all its sessions at the service. */
export interface LimitInUse {
  /** `null`: it is not counted, but kept by waiting or by asking for less. */
  readonly used: number | null
  readonly of: number
}

export interface PermissionInForce {
  readonly permission: 'configure' | 'write' | 'read'
  readonly kind: 'queue' | 'exchange'
  /** The name's pattern, variables filled in; empty: queues that the broker names. */
  readonly name: string
  /** The pattern of routing keys; `null`: they do not matter. */
  readonly routingKey: string | null
  /** `permissions[1].read[0]` of the service. */
  readonly place: string
}

export interface Standing {
  /** By the limit's name in the configuration. */
  readonly limits: Readonly<Record<string, LimitInUse>>
  /** `null`: the service has none, and the broker decides. */
  readonly permissions: readonly PermissionInForce[] | null
}
