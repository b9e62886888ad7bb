/**
 * Follows streams of the store on a connection of its own, which waits in the store for what arrives. Where a stream is not
 * what it was, since the store was emptied or another server has taken over, it is read again from its beginning. Part by part
 * it is so all the time, as somebody may take single entries out of it.
 */
import { lookAgain, type StoreClient } from '../client.ts'
import { type Store, wordsOf } from '../store.ts'
import { isBefore, rowsOf, rowsOfStreams, type StreamRow } from './rows.ts'

/** How often streams are looked at where nothing arrives. */
export const BLOCK_MS = 1_000
const PART = 500

/** Acts on one stream. */
export interface StreamFollower {
  /** All have one tag: one command reads all of them. */
  readonly key: string
  /** Whether something is known that ought to stand in the stream. */
  readonly knowsSome: boolean
  /** In order, and again after `again`. Must not throw. */
  received(row: StreamRow): void
  /** Everything that stands there has been received since the last time, or since `again`. */
  caughtUp(): Promise<void>
  /** Everything that stands there will be received again. */
  again(): void
}

interface Followed {
  readonly follower: StreamFollower
  cursor: string
  hasReadAll: boolean
  /** From where on the stream is gone through once more. */
  passFrom: string
  lookedAtMs: number
}

const BEGINNING = '-'

export class StreamReader {
  readonly #client: StoreClient
  readonly #store: Store
  readonly #followed: readonly Followed[]
  #isReading = false
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(client: StoreClient, store: Store, followers: readonly StreamFollower[]) {
    this.#client = client
    this.#store = store
    this.#followed = followers.map((follower) => ({
      follower,
      cursor: '0',
      hasReadAll: false,
      passFrom: BEGINNING,
      lookedAtMs: 0,
    }))
    client.on('error', () => undefined)
    store.onBack(() => {
      this.#again()
      // It may be elsewhere by now, and a connection whose other end is gone says so late.
      if (this.#isReading && !this.#isClosed) lookAgain(client)
    })
  }

  /** Reads until it is closed. */
  start(): void {
    void this.#read()
  }

  close(): void {
    this.#isClosed = true
    this.#wake?.()
    this.#client.disconnect()
  }

  async #read(): Promise<void> {
    await this.#client.connect().catch(() => undefined)
    this.#isReading = true
    while (!this.#isClosed) {
      try {
        await this.#readPart()
      } catch (error) {
        if (this.#isClosed) return
        // A connection that is gone may lead elsewhere when it is back: everything is read again.
        this.#again()
        if (wordsOf(error) === TOO_LATE || this.#client.status === 'end') lookAgain(this.#client)
        await this.#pause(this.#store.isUp ? 100 : 500)
      }
    }
  }

  async #readPart(): Promise<void> {
    const keys = this.#followed.map(({ follower }) => follower.key)
    const cursors = this.#followed.map(({ cursor }) => cursor)
    const asked = this.#client.call('XREAD', 'COUNT', PART, 'BLOCK', BLOCK_MS, 'STREAMS', ...keys, ...cursors)
    const found = rowsOfStreams(await inTime(2 * BLOCK_MS, asked))
    for (const [index, followed] of this.#followed.entries()) {
      // Whoever reads everything again meanwhile begins with the next part.
      if (followed.cursor === cursors[index]) await this.#receive(followed, found.get(followed.follower.key) ?? [])
    }
  }

  async #receive(followed: Followed, rows: readonly StreamRow[]): Promise<void> {
    for (const row of rows) {
      followed.cursor = row.id
      followed.follower.received(row)
    }
    if (rows.length >= PART || this.#isClosed) return
    if (!followed.hasReadAll) {
      followed.hasReadAll = true
      await followed.follower.caughtUp()
    } else if (rows.length === 0 && performance.now() - followed.lookedAtMs >= BLOCK_MS) {
      followed.lookedAtMs = performance.now()
      if (await this.#hasLost(followed)) startAgain(followed)
      else if (followed.follower.knowsSome) await this.#goThrough(followed)
    }
  }

  /** One part of a pass over everything. */
  async #goThrough(followed: Followed): Promise<void> {
    const { follower, passFrom } = followed
    const answer = await inTime(BLOCK_MS, this.#client.call('XRANGE', follower.key, passFrom, '+', 'COUNT', PART))
    const rows = rowsOf(answer)
    for (const row of rows) follower.received(row)
    const last = rows.at(-1)
    const isEnd = last === undefined || rows.length < PART
    followed.passFrom = isEnd ? BEGINNING : `(${last.id}`
    if (isEnd) await follower.caughtUp()
  }

  /** Whether the stream ends before what was read of it. */
  async #hasLost({ cursor, follower }: Followed): Promise<boolean> {
    if (cursor === '0') return follower.knowsSome
    const answer = await inTime(BLOCK_MS, this.#client.call('XREVRANGE', follower.key, '+', '-', 'COUNT', 1))
    const [last] = rowsOf(answer)
    return last === undefined || isBefore(last.id, cursor)
  }

  #again(): void {
    for (const followed of this.#followed) startAgain(followed)
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function startAgain(followed: Followed): void {
  followed.cursor = '0'
  followed.hasReadAll = false
  followed.passFrom = BEGINNING
  followed.follower.again()
}

const TOO_LATE = 'the stream did not answer in time'

async function inTime<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(TOO_LATE)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
