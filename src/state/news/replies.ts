/**
 * Replies to what was passed on or asked: each gateway writes its own, sealed, under the number of the entry that it replies
 * to. They are gone after a few seconds, whether anybody has read them or not.
 */
import type { Sealer } from '../sealing.ts'
import { type Store, script } from '../store.ts'

const KIND = 'reply'
const KEPT_MS = 10_000
const LOOK_MS = 20
/** A longer one is not written: the store does nothing else while it takes it. */
const MOST_BYTES = 8 * 1024 * 1024

const WRITE = script(`
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`)

/** A gateway of whom a reply is expected. */
export interface Expected {
  readonly id: string
  readonly name: string
}

export interface Replied {
  readonly answers: readonly { readonly replica: string; readonly answer: unknown }[]
  /** Names of those who have not replied in time. */
  readonly notReached: readonly string[]
}

export interface RepliesOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly keys: (name: string) => string
  /** This gateway's id. */
  readonly self: string
}

export class Replies {
  readonly #of: RepliesOptions

  constructor(options: RepliesOptions) {
    this.#of = options
  }

  /** Never rejects: whoever does not get it names this gateway. */
  async write(number: string, answer: unknown): Promise<void> {
    const { store, sealer, self } = this.#of
    const text = JSON.stringify(answer)
    if (text.length > MOST_BYTES) return
    const sealed = sealer.seal(text, { kind: KIND, name: `${number} ${self}` })
    await store.eval('stream', WRITE, [this.#keyOf(number)], [self, sealed, KEPT_MS]).catch(() => undefined)
  }

  /** Waits for those that are expected; never rejects. */
  async collect(number: string, expected: readonly Expected[], withinMs: number): Promise<Replied> {
    const deadlineMs = performance.now() + withinMs
    const answered = new Map<string, unknown>()
    const missing = () => expected.filter(({ id }) => !answered.has(id))
    while (performance.now() < deadlineMs && missing().length > 0) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      for (const [id, answer] of await this.#read(number, missing())) answered.set(id, answer)
    }
    const answers = expected.flatMap(({ id, name }) =>
      answered.has(id) ? [{ replica: name, answer: answered.get(id) }] : [],
    )
    return { answers, notReached: missing().map(({ name }) => name) }
  }

  /** What no gateway has sealed for this place is no reply. */
  async #read(number: string, from: readonly Expected[]): Promise<readonly (readonly [string, unknown])[]> {
    const { store, sealer } = this.#of
    const ids = from.map(({ id }) => id)
    const found = await store.run('stream', 'HMGET', this.#keyOf(number), ...ids).catch(() => undefined)
    if (!Array.isArray(found)) return []
    return ids.flatMap((id, index): readonly (readonly [string, unknown])[] => {
      const text = sealer.open(found[index], { kind: KIND, name: `${number} ${id}` })
      return text === undefined ? [] : [[id, JSON.parse(text) as unknown]]
    })
  }

  #keyOf(number: string): string {
    return this.#of.keys(`answer:${number}`)
  }
}
