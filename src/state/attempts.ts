/**
 * Guesses of passwords, counted for all replicas together by one script: however many guess at once, at however many
 * replicas, each guess is counted before the next is judged. A counter of this process counts beside it, and decides while
 * the store is away.
 */
import { type AttemptAllowance, type Attempts, MemoryAttempts, networkOf, StateUnavailable } from '../../auth/index.ts'
import type { Sealer } from './sealing.ts'
import { type Store, script } from './store.ts'

/** As in memory: guesses without any delay, their window, and the longest delay, in s. */
const FREE_COUNT = 10
const WINDOW_MS = 60_000
const MAX_DELAY_MS = 300_000
/** The store keeps so many counts at most, whatever is tried. */
const BUCKET_COUNT = 65_536

const BEGIN = script(`
local left = redis.call('PTTL', KEYS[2])
if left > 0 then return left end
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if count < tonumber(ARGV[1]) then return 0 end
local delay = math.min(1000 * 2 ^ math.min(count - ARGV[1], 30), tonumber(ARGV[3]))
redis.call('SET', KEYS[2], '1', 'PX', delay)
redis.call('PEXPIRE', KEYS[1], math.max(tonumber(ARGV[2]), 2 * delay))
return 0`)

const WITHDRAW = script(`
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
if count > 0 then redis.call('DECR', KEYS[1]) end
return 1`)

export interface SharedAttemptsOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly scope: string
  readonly keys: (name: string) => string
  /** Called when the counter of this process decides. */
  readonly fallenBack: () => void
  /** By how many the free guesses are divided then. */
  readonly replicaCount: () => number
}

export class SharedAttempts implements Attempts {
  readonly #of: SharedAttemptsOptions
  readonly #local: MemoryAttempts

  constructor(options: SharedAttemptsOptions) {
    this.#of = options
    this.#local = new MemoryAttempts({ shareCount: () => (options.store.isUp ? 1 : options.replicaCount()) })
  }

  async peek(user: string, address: string): Promise<AttemptAllowance> {
    return await this.#orLocal(
      async () => {
        const [, delay] = this.#keysOf(user, address)
        return allowance(await this.#of.store.run('attempt', 'PTTL', delay))
      },
      () => this.#local.peek(user, address),
    )
  }

  async begin(user: string, address: string): Promise<AttemptAllowance> {
    const counted = this.#local.begin(user, address)
    return await this.#orLocal(
      async () => {
        const answer = await this.#of.store.eval('attempt', BEGIN, this.#keysOf(user, address), [
          FREE_COUNT,
          WINDOW_MS,
          MAX_DELAY_MS,
        ])
        await counted
        return allowance(answer)
      },
      () => counted,
    )
  }

  async succeeded(user: string, address: string): Promise<void> {
    await this.#local.succeeded(user, address)
    await this.#orLocal(
      () => this.#of.store.run('attempt', 'DEL', ...this.#keysOf(user, address)),
      async () => undefined,
    )
  }

  async withdrawn(user: string, address: string): Promise<void> {
    await this.#local.withdrawn(user, address)
    const [count] = this.#keysOf(user, address)
    await this.#orLocal(
      () => this.#of.store.eval('attempt', WITHDRAW, [count], []),
      async () => undefined,
    )
  }

  async #orLocal<T>(shared: () => Promise<T>, local: () => Promise<T>): Promise<T> {
    try {
      return await shared()
    } catch (error) {
      if (!(error instanceof StateUnavailable)) throw error
      this.#of.fallenBack()
      return await local()
    }
  }

  /** Of the count and of the delay. Nobody can aim at another's bucket. */
  #keysOf(user: string, address: string): readonly [string, string] {
    const { sealer, scope, keys } = this.#of
    const name = sealer.nameOf('attempt', scope, user, networkOf(address))
    const bucket = Buffer.from(name, 'base64url').readUInt32BE(0) % BUCKET_COUNT
    return [keys(`${bucket}:n`), keys(`${bucket}:d`)]
  }
}

function allowance(leftMs: unknown): AttemptAllowance {
  const ms = Number(leftMs)
  return ms > 0 ? { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(ms / 1000)) } : { allowed: true }
}
