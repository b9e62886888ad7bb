/**
 * Whether the gateway lives and whether it could serve somebody: of every broker that a service names, one node has to be
 * there. A gateway that has to record everything, and cannot, serves nobody: its port stays open, and a balancer that counts
 * sessions would send it all clients.
 */
import type { BrokerFailure } from '../../proxy/index.ts'

/** A broker that a service names. */
export interface NamedBroker {
  readonly name: string
  /** `problem` resolves with why none of them is there. */
  readonly nodes: { problem(): Promise<BrokerFailure | undefined> }
}

export interface BrokerHealth {
  /** The broker's key in the configuration. */
  readonly name: string
  readonly ready: boolean
  /** Why it is not; one of a closed set, so that whoever may ask learns of no address. */
  readonly cause?: BrokerFailure
}

export interface Readiness {
  readonly ready: boolean
  readonly draining: boolean
  readonly brokers: readonly BrokerHealth[]
  /** Of the store that gateways share; undefined where there is none. Without it the gateway is ready all the same. */
  readonly state: 'up' | 'degraded' | undefined
  /** `failing`: a service refuses what it cannot record, and nothing can be recorded. */
  readonly audit: 'failing' | undefined
}

export interface HealthOptions {
  /** Whether the store that gateways share answers; undefined where there is none. */
  readonly stateIsUp: () => boolean | undefined
  /** Whether a service refuses everybody because its audit trail cannot be written. */
  readonly auditFails: () => boolean
  /** Those that services name now. */
  readonly brokers: () => readonly NamedBroker[]
  readonly isDraining: () => boolean
  /** Whether there is a process that takes sessions. */
  readonly isServing: () => boolean
}

export class Health {
  readonly #options: HealthOptions

  constructor(options: HealthOptions) {
    this.#options = options
  }

  /** Never rejects; takes as long as the slowest node, `probe.timeout` at most. */
  async readiness(): Promise<Readiness> {
    const brokers = await Promise.all(this.#options.brokers().map(healthOf))
    const draining = this.#options.isDraining()
    const stateIsUp = this.#options.stateIsUp()
    const state = stateIsUp === undefined ? undefined : stateIsUp ? 'up' : 'degraded'
    const audit = this.#options.auditFails() ? 'failing' : undefined
    const canServe = this.#options.isServing() && audit === undefined
    return { ready: !draining && canServe && brokers.every(({ ready }) => ready), draining, brokers, state, audit }
  }
}

async function healthOf({ name, nodes }: NamedBroker): Promise<BrokerHealth> {
  const cause = await nodes.problem()
  return cause === undefined ? { name, ready: true } : { name, ready: false, cause }
}
