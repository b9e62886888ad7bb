/** This gateway among those that share their state with it: what it says of itself, and how it reaches the others. */
import { hostname } from 'node:os'
import type { LoginListener } from '../../../auth/index.ts'
import type { Here } from '../../admin/replicas/here.ts'
import type { Others } from '../../admin/replicas/others.ts'
import { hashOf } from '../../config/effective/hash.ts'
import { version } from '../../ops/version.ts'
import type { SharedStore } from '../../state/open.ts'
import type { ReplicaRecord } from '../../state/replicas.ts'
import type { Generation } from '../generation.ts'
import type { GatewayAddress } from '../ports.ts'
import { type FollowingParts, followNews, loginNews, othersOf } from './shared-news.ts'

/** The gateway, as the others see it. */
interface Member {
  readonly current: Generation
  readonly addresses: readonly GatewayAddress[]
  readonly sessionCount: number
}

export class Membership {
  /** How the others are reached; undefined: there are none, as in what follows. */
  readonly others: Others | undefined
  /** Passes the ends and renewals of logins on. */
  readonly logins: LoginListener | undefined
  readonly #shared: SharedStore | undefined
  readonly #member: Member

  constructor(shared: SharedStore | undefined, member: Member) {
    this.#shared = shared
    this.#member = member
    this.others = shared === undefined ? undefined : othersOf(shared)
    this.logins = shared === undefined ? undefined : loginNews(shared)
  }

  get here(): Here {
    return { replica: this.#shared === undefined ? null : this.#name, worker: null }
  }

  /** Acts from now on on what the others say, and answers what they ask. */
  follow(parts: FollowingParts): void {
    if (this.#shared !== undefined) followNews(this.#shared, parts)
  }

  /** Says what this gateway is from now on. */
  describe(): void {
    this.#shared?.replicas.describe(() => this.#record())
  }

  get #name(): string {
    return `${hostname()}:${this.#member.addresses[0]?.port ?? 0}`
  }

  #record(): ReplicaRecord {
    const { current, sessionCount: sessions } = this.#member
    const { number: generation, config } = current
    return { name: this.#name, version: version(), generation, hash: hashOf(config), sessions }
  }
}
