/**
 * Sessions of one identity, counted over all replicas. A session has a lease in the store, taken by one script before it is
 * admitted, and renewed with those of all others. Whatever becomes of a replica, its sessions count for one lease more at
 * most; whatever becomes of the store, they are there again within one renewal.
 */
import { randomUUID } from 'node:crypto'
import { StateUnavailable } from '../../auth/index.ts'
import type { Sealer } from './sealing.ts'
import { type Store, script } from './store.ts'

export const LEASE_MS = 15_000
const RENEW_MS = 5_000
/** Leases in one renewal: the store does nothing else meanwhile. */
const BATCH = 200

const TAKE = script(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3] * 1000, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`)

const RENEW = script(`
local t = redis.call('TIME')
local ends = t[1] * 1000000 + t[2] + ARGV[1] * 1000
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, ends, ARGV[i + 1])
  redis.call('PEXPIRE', key, ARGV[1])
end
return 1`)

const RELEASE = script(`
for i, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[i]) end
return 1`)

/** Whose session it is: at which service, and the identity's key. */
export interface LeaseOwner {
  readonly service: string
  readonly key: string
}

export interface LeasesOptions {
  readonly store: Store
  readonly sealer: Sealer
  /** Names of keys: all of one tag. */
  readonly keys: (name: string) => string
  readonly replicaCount: () => number
  /** Called when a session is admitted or refused without the store. */
  readonly fallenBack: () => void
}

export class Leases {
  readonly #of: LeasesOptions
  /** By id: the key that the lease stands under. */
  readonly #held = new Map<string, string>()
  readonly #released = new Map<string, string>()
  readonly #timer: NodeJS.Timeout

  constructor(options: LeasesOptions) {
    this.#of = options
    this.#timer = setInterval(() => void this.#renew(), RENEW_MS).unref()
    options.store.onBack(() => void this.#renew())
  }

  /**
   * Takes a lease where fewer than `most` are held. Without the store this replica has a part of them.
   * @param isWithin whether so many are enough for what this process alone has of this owner
   * @returns what gives it back; undefined where there is none left
   */
  async take(
    { service, key }: LeaseOwner,
    most: number,
    isWithin: (most: number) => boolean,
  ): Promise<(() => void) | undefined> {
    const { store, sealer, keys } = this.#of
    const id = randomUUID()
    const name = keys(sealer.nameOf('sessions', service, key))
    this.#held.set(id, name)
    const isTaken = await store.eval('lease', TAKE, [name], [id, most, LEASE_MS]).then(
      (answer) => answer === 1,
      (error: unknown) => {
        if (!(error instanceof StateUnavailable)) throw error
        this.#of.fallenBack()
        return isWithin(Math.max(1, Math.floor(most / this.#of.replicaCount())))
      },
    )
    const giveBack = () => this.#release(id)
    if (isTaken) return giveBack
    // The store may have taken it and not answered in time.
    giveBack()
    return undefined
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #release(id: string): void {
    const name = this.#held.get(id)
    if (name === undefined) return
    this.#held.delete(id)
    this.#giveBackSoon(id, name)
  }

  #giveBackSoon(id: string, name: string): void {
    if (this.#released.size === 0) setImmediate(() => this.#giveBack())
    this.#released.set(id, name)
  }

  /** Many sessions may end in one turn. What cannot be given back ends with its lease. */
  #giveBack(): void {
    const released = [...this.#released]
    this.#released.clear()
    for (const batch of batches(released)) {
      const { store } = this.#of
      store.eval('lease', RELEASE, batch.map(nameIn), batch.map(idIn)).catch(() => undefined)
    }
  }

  async #renew(): Promise<void> {
    const { store } = this.#of
    try {
      for (const batch of batches([...this.#held])) {
        const still = batch.filter(([id]) => this.#held.has(id))
        if (still.length === 0) continue
        await store.eval('lease', RENEW, still.map(nameIn), [LEASE_MS, ...still.map(idIn)])
        // What was given back meanwhile may have been overtaken by this.
        for (const [id, name] of still) if (!this.#held.has(id)) this.#giveBackSoon(id, name)
      }
    } catch (error) {
      // The next renewal brings all of them.
      if (!(error instanceof StateUnavailable)) throw error
    }
  }
}

type Lease = readonly [id: string, name: string]

function idIn([id]: Lease): string {
  return id
}

function nameIn([, name]: Lease): string {
  return name
}

function batches(leases: readonly Lease[]): readonly (readonly Lease[])[] {
  return Array.from({ length: Math.ceil(leases.length / BATCH) }, (_, index) =>
    leases.slice(index * BATCH, (index + 1) * BATCH),
  )
}
