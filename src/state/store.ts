/**
 * The store, as everything asks it that is shared: one command or one script at a time, each within a time, and all of one
 * request within one budget. Once the store has not answered, nobody waits for it until it has taken a write again.
 */
import { createHash } from 'node:crypto'
import { StateUnavailable } from '../../auth/index.ts'
import { Budgets } from './budgets.ts'
import { lookAgain, type StoreClient } from './client.ts'

/** What is asked for, for metrics: a closed set. */
export const STORE_OPS = ['ticket', 'login', 'attempt', 'lease', 'stream', 'replica', 'probe'] as const
export type StoreOp = (typeof STORE_OPS)[number]

/** A script of the store, by its text and the digest under which the store keeps it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

export interface StoreObserver {
  /** @param isFailure whether there was no answer that is one */
  answered(op: StoreOp, seconds: number, isFailure: boolean): void
  /** The store went away, for this reason; or it is away, and this is another reason than those before. */
  away(detail: string): void
  back(): void
}

export interface StoreOptions {
  readonly client: StoreClient
  readonly timeoutMs: number
  /** A key that it writes to find out whether it may. */
  readonly probeKey: string
  readonly observer: StoreObserver
}

type Args = readonly (string | number)[]

const PROBE_UP_MS = 1_000
const PROBE_AWAY_MS = 200
/** So many probes without an answer, and the connection is given up: its other end may be gone without a word. */
const LOST_PROBES = 3
/** Answers by which the store itself says that it cannot serve. */
const NOT_NOW =
  /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|NOAUTH|WRONGPASS|NOPERM|OOM|MISCONF|NOREPLICAS|TRYAGAIN|MOVED)\b/
/** Those of them after which the store is looked for again: another one may have become the primary. */
const ELSEWHERE = /^(READONLY|MASTERDOWN|NOAUTH|WRONGPASS|MOVED)\b/

/** So many reasons are told while the store is away: each node of a cluster may have its own. */
const TOLD_REASONS = 8

const NO_CONNECTION = 'there is no connection'
/** What the package says of that. */
const UNCONNECTED = /^(Stream isn't writeable|Connection is closed|None of startup nodes|Cluster isn't ready)/

export class Store {
  readonly #options: StoreOptions
  readonly #budgets: Budgets
  readonly #backs: (() => void)[] = []
  #isUp = false
  #wasUp = false
  #why = NO_CONNECTION
  /** Why it is away this time, as far as it has been told. */
  readonly #told = new Set<string>()
  #lostProbes = 0
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: StoreOptions) {
    this.#options = options
    this.#budgets = new Budgets(options.timeoutMs)
    const { client } = options
    client.on('error', (error) => this.#gone(wordsOf(error)))
    client.on('close', () => this.#gone(NO_CONNECTION))
    client.on('ready', () => this.#probeSoon(0))
  }

  /** Whether it answered last. */
  get isUp(): boolean {
    return this.#isUp
  }

  /** Why it was away last, for operators. */
  get why(): string {
    return this.#why
  }

  /** Called whenever the store is there again, and when it is there for the first time. */
  onBack(listener: () => void): void {
    this.#backs.push(listener)
  }

  /** Connects, and goes on trying until it is closed. Resolves as soon as it is known whether the store is there. */
  async start(): Promise<void> {
    await this.#options.client.connect().catch((error: unknown) => this.#gone(wordsOf(error)))
    await this.#probe()
  }

  close(): void {
    this.#isClosed = true
    this.#isUp = false
    this.#why = 'the gateway stops'
    clearTimeout(this.#timer)
    this.#options.client.disconnect()
  }

  /** Whatever `work` asks of the store takes no longer than one budget, all together. */
  async withinBudget<T>(work: () => Promise<T>): Promise<T> {
    return await this.#budgets.run(work)
  }

  /** @throws {StateUnavailable} where there is no answer in time, or none that is one */
  async run(op: StoreOp, command: string, ...args: Args): Promise<unknown> {
    if (!this.#isUp) throw new StateUnavailable(`the state store is away: ${this.#why}`)
    return await this.#timed(op, () => this.#options.client.call(command, ...args))
  }

  /** @throws {StateUnavailable} */
  async eval(op: StoreOp, { text, sha }: Script, keys: readonly string[], args: Args): Promise<unknown> {
    if (!this.#isUp) throw new StateUnavailable(`the state store is away: ${this.#why}`)
    return await this.#timed(op, async () => {
      const { client } = this.#options
      try {
        return await client.call('EVALSHA', sha, keys.length, ...keys, ...args)
      } catch (error) {
        if (!wordsOf(error).startsWith('NOSCRIPT')) throw error
        return await client.call('EVAL', text, keys.length, ...keys, ...args)
      }
    })
  }

  async #timed(op: StoreOp, ask: () => Promise<unknown>): Promise<unknown> {
    const { observer, timeoutMs } = this.#options
    const budget = this.#budgets.current
    const mostMs = budget === undefined ? timeoutMs : Math.min(timeoutMs, budget.leftMs)
    if (mostMs <= 0) throw new StateUnavailable(`the state store has taken all the time that this request has for it`)
    const startedMs = performance.now()
    let isFailure = true
    try {
      const answer = await inTime(mostMs, ask())
      isFailure = false
      return answer
    } catch (error) {
      const words = wordsOf(error)
      // One request may have had little time left; that says nothing of the store.
      if ((error instanceof TooLate && mostMs === timeoutMs) || isConnectionError(error) || NOT_NOW.test(words))
        this.#gone(words)
      if (ELSEWHERE.test(words) && !this.#isClosed) lookAgain(this.#options.client)
      throw new StateUnavailable(`the state store did not answer: ${words}`, { cause: error })
    } finally {
      const tookMs = performance.now() - startedMs
      if (budget !== undefined) budget.leftMs -= tookMs
      observer.answered(op, tookMs / 1000, isFailure)
    }
  }

  #gone(why: string): void {
    if (this.#isClosed) return
    // The end of a connection says less than the answer that led to it.
    if (this.#isUp || why !== NO_CONNECTION) this.#why = why
    // The end of a connection is seen before the reason for which there is no other one.
    const isReason = why !== NO_CONNECTION && this.#told.size < TOLD_REASONS && !this.#told.has(why)
    const tell = this.#isUp || !this.#wasUp || isReason
    this.#isUp = false
    this.#wasUp = true
    if (tell) this.#tell(why)
    this.#probeSoon(PROBE_AWAY_MS)
  }

  #tell(why: string): void {
    this.#told.add(why)
    this.#options.observer.away(why)
  }

  #probeSoon(afterMs: number): void {
    clearTimeout(this.#timer)
    if (this.#isClosed) return
    this.#timer = setTimeout(() => void this.#probe(), afterMs).unref()
  }

  /** Writes something: a store that only reads is away. Never rejects. */
  async #probe(): Promise<void> {
    const { client, probeKey, timeoutMs, observer } = this.#options
    const startedMs = performance.now()
    let isFailure = true
    try {
      await inTime(timeoutMs, client.call('SET', probeKey, '1', 'PX', 10_000))
      isFailure = false
    } catch (error) {
      if (this.#isClosed) return
      this.#lostProbes = error instanceof TooLate ? this.#lostProbes + 1 : 0
      const words = wordsOf(error)
      this.#gone(words)
      if (this.#lostProbes >= LOST_PROBES || ELSEWHERE.test(words) || client.status === 'end') {
        this.#lostProbes = 0
        lookAgain(client)
      }
    }
    observer.answered('probe', (performance.now() - startedMs) / 1000, isFailure)
    if (isFailure || this.#isClosed) return
    this.#lostProbes = 0
    this.#probeSoon(PROBE_UP_MS)
    if (this.#isUp) return
    this.#isUp = true
    this.#told.clear()
    observer.back()
    for (const back of this.#backs) back()
  }
}

class TooLate extends Error {}

async function inTime<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TooLate(`no answer within ${Math.round(ms)} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What the package says where no server has answered. */
function isConnectionError(error: unknown): boolean {
  return error instanceof Error && error.name !== 'ReplyError' && !(error instanceof TooLate)
}

/** For operators. The store's own words name commands and keys, never values. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure'
  // Of a cluster, the last node says more than the package does of all of them.
  if ('lastNodeError' in error && error.lastNodeError instanceof Error) return wordsOf(error.lastNodeError)
  const code = 'code' in error && typeof error.code === 'string' && error.message === '' ? error.code : ''
  const text = `${code}${error.message}`.split('\n', 1)[0] ?? ''
  return UNCONNECTED.test(text) ? NO_CONNECTION : text.slice(0, 200)
}
