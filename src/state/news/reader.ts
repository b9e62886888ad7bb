/**
 * Follows streams of the store on a connection of its own, which waits in the store for what arrives. Where a stream is not
 * what it was, since the store was emptied or another server has taken over, it is read again from its beginning.
 */
import { type Store, wordsOf } from '../store.ts'
import { isBefore, rowsOf, rowsOfStreams, type StreamRow } from './rows.ts'

/** How often streams are looked at where nothing arrives. */
const BLOCK_MS = 1_000
const PART = 500

export interface ReaderClient {
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>
  connect(): Promise<void>
  disconnect(reconnect?: boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** Acts on one stream. */
export interface StreamFollower {
  /** All have one tag: one command reads all of them. */
  readonly key: string
  /** Whether something is known that ought to stand in the stream. */
  readonly knowsSome: boolean
  /** In order, and again after `again`. Must not throw. */
  received(row: StreamRow): void
  /** Everything that stands there has been received. */
  caughtUp(): Promise<void>
  /** Everything that stands there will be received again. */
  again(): void
}

interface Followed {
  readonly follower: StreamFollower
  cursor: string
  hasReadAll: boolean
}

export class StreamReader {
  readonly #client: ReaderClient
  readonly #store: Store
  readonly #followed: readonly Followed[]
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(client: ReaderClient, store: Store, followers: readonly StreamFollower[]) {
    this.#client = client
    this.#store = store
    this.#followed = followers.map((follower) => ({ follower, cursor: '0', hasReadAll: false }))
    client.on('error', () => undefined)
    store.onBack(() => this.#again())
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
    while (!this.#isClosed) {
      try {
        await this.#readPart()
      } catch (error) {
        // A connection that is gone may lead elsewhere when it is back: everything is read again.
        this.#again()
        if (wordsOf(error) === TOO_LATE) this.#client.disconnect(true)
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
    } else if (rows.length === 0 && (await this.#hasLost(followed))) startAgain(followed)
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
