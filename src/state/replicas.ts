/** The gateways that share this state: each writes down what it is, every few seconds, and is gone when it stops doing so. */
import { randomUUID } from 'node:crypto'
import { StateUnavailable } from '../../auth/index.ts'
import type { Sealer } from './sealing.ts'
import { type Store, script } from './store.ts'

const LEASE_MS = 15_000
const WRITE_MS = 3_000
const KIND = 'replica'

/** What a gateway says of itself. */
export interface ReplicaRecord {
  readonly name: string
  readonly version: string
  readonly generation: number
  readonly hash: string
  readonly sessions: number
}

export interface Replica extends ReplicaRecord {
  readonly id: string
}

/** KEYS: the index, the own record. ARGV: id, record, lease in ms, base. All records, with their ids. */
const WRITE = script(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[1], now + ARGV[3] * 1000, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, 999)) do
  local record = redis.call('GET', ARGV[4] .. id)
  if record then found[#found + 1] = {id, record} end
end
return found`)

export interface ReplicasOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly keys: (name: string) => string
}

export class Replicas {
  readonly id = randomUUID()
  readonly #of: ReplicasOptions
  readonly #timer: NodeJS.Timeout
  #own: () => ReplicaRecord | undefined = () => undefined
  /** As the store said last. */
  #all: readonly Replica[] = []

  constructor(options: ReplicasOptions) {
    this.#of = options
    this.#timer = setInterval(() => void this.write(), WRITE_MS).unref()
    options.store.onBack(() => void this.write())
  }

  /** What this gateway says of itself from now on. */
  describe(own: () => ReplicaRecord): void {
    this.#own = own
    void this.write()
  }

  /** This one included; as they were last seen. */
  get count(): number {
    return Math.max(1, this.#all.length)
  }

  /** Undefined where nobody can tell now. */
  get all(): readonly Replica[] | undefined {
    return this.#of.store.isUp ? this.#all : undefined
  }

  /** Those beside this one, as they were last seen. */
  get others(): readonly Replica[] {
    return this.#all.filter(({ id }) => id !== this.id)
  }

  close(): void {
    clearInterval(this.#timer)
    const { store, keys } = this.#of
    store.run('replica', 'ZREM', keys('all'), this.id).catch(() => undefined)
  }

  /** Never rejects. */
  async write(): Promise<void> {
    const own = this.#own()
    if (own === undefined) return
    const { store, sealer, keys } = this.#of
    const sealed = sealer.seal(JSON.stringify(own), { kind: KIND, name: this.id })
    try {
      const answer = await store.eval(
        'replica',
        WRITE,
        [keys('all'), keys(`r:${this.id}`)],
        [this.id, sealed, LEASE_MS, keys('r:')],
      )
      this.#all = this.#read(answer)
    } catch (error) {
      if (!(error instanceof StateUnavailable)) throw error
    }
  }

  /** What no gateway has sealed is no gateway. */
  #read(answer: unknown): readonly Replica[] {
    if (!Array.isArray(answer)) return []
    return answer.flatMap((pair: unknown): readonly Replica[] => {
      const [id, sealed] = Array.isArray(pair) ? (pair as readonly unknown[]) : []
      if (typeof id !== 'string') return []
      const text = this.#of.sealer.open(sealed, { kind: KIND, name: id })
      return text === undefined ? [] : [{ ...(JSON.parse(text) as ReplicaRecord), id }]
    })
  }
}
