/**
 * Replies to what was passed on or asked: each gateway writes its own, sealed, under the number of the entry that it replies
 * to. They are gone after a few seconds, whether anybody has read them or not.
 */
import { promisify } from 'node:util'
import { deflate, inflate } from 'node:zlib'
import type { Sealer } from '../sealing.ts'
import { type Store, script } from '../store.ts'

const KIND = 'reply'
const KEPT_MS = 10_000
const LOOK_MS = 20
/** A longer one is not written, and not read: the store does nothing else while it takes it. */
const MOST_BYTES = 16 * 1024 * 1024
/** Longer ones are packed: lists of sessions say much the same in each line. */
const PACKED_BYTES = 8 * 1024

const packed = promisify(deflate)
const unpacked = promisify<Buffer, { readonly maxOutputLength: number }, Buffer>(inflate)

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
  readonly store: Pick<Store, 'run' | 'eval'>
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
    await this.#write(number, JSON.stringify(answer)).catch(() => undefined)
  }

  async #write(number: string, text: string): Promise<void> {
    const { store, sealer, self } = this.#of
    if (text.length > MOST_BYTES) return
    const sealed = sealer.seal(await written(text), { kind: KIND, name: `${number} ${self}` })
    await store.eval('stream', WRITE, [this.#keyOf(number)], [self, sealed, KEPT_MS])
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
    const read: (readonly [string, unknown])[] = []
    for (const [index, id] of ids.entries()) {
      const text = sealer.open(found[index], { kind: KIND, name: `${number} ${id}` })
      if (text !== undefined) read.push([id, JSON.parse(await readText(text)) as unknown])
    }
    return read
  }

  #keyOf(number: string): string {
    return this.#of.keys(`answer:${number}`)
  }
}

/** What is sealed: a letter that says how the rest is written, and the rest. */
async function written(text: string): Promise<string> {
  if (text.length < PACKED_BYTES) return `j${text}`
  return `z${(await packed(text)).toString('base64')}`
}

/** Of what a gateway has sealed. */
async function readText(text: string): Promise<string> {
  if (text.startsWith('j')) return text.slice(1)
  return (await unpacked(Buffer.from(text.slice(1), 'base64'), { maxOutputLength: 2 * MOST_BYTES })).toString()
}
