/**
 * A bearer token that ends, and is followed by another in time. Many connections ask at once; the source is asked once.
 * [RFC 6750 §2.1]
 */
import { Secret } from '../../../../auth/index.ts'
import { type Bearer, type GatewayLogin, LoginFailed, type Proof } from './login.ts'
import { renewalAtMs } from './token-life.ts'

/** After a source that failed, or still has the token that ends; doubled each time. */
const AGAIN_MIN_MS = 500
const AGAIN_MAX_MS = 30_000
/** Timers cannot wait for weeks. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000

/** Where tokens are had. */
export interface BearerSource {
  readonly kind: string
  /** Looks again so often, where it may have another one at any time. */
  readonly pollMs: number | undefined
  /** @throws LoginFailed */
  read(): Promise<Bearer>
  /** Waits for nothing any more. */
  close?(): void
}

interface Token extends Bearer {
  readonly proof: Proof
  readonly renewalAtMs: number | undefined
}

export class TokenLogin implements GatewayLogin {
  readonly #source: BearerSource
  readonly #note: (line: string) => void
  readonly #listeners: ((proof: Proof) => void)[] = []
  #token: Token | undefined
  #reading: Promise<Token> | undefined
  #timer: NodeJS.Timeout | undefined
  #againMs = AGAIN_MIN_MS
  #isRefused = false
  #isClosed = false
  #problem: string | undefined

  /** @param note says what an operator should know */
  constructor(source: BearerSource, note: (line: string) => void) {
    this.#source = source
    this.#note = note
  }

  get kind(): string {
    return this.#source.kind
  }

  get expiresAtMs(): number | undefined {
    return this.#token?.expiresAtMs
  }

  get problem(): string | undefined {
    // The source may answer, and still have the token of before.
    if (this.#problem === undefined && this.#token !== undefined && hasEnded(this.#token)) return noFresh(this.#ended)
    return this.#problem
  }

  async proof(): Promise<Proof> {
    const token = this.#token
    if (token !== undefined && !this.#isRefused && !hasEnded(token)) return token.proof
    const fresh = await this.#read()
    if (hasEnded(fresh)) throw new LoginFailed(this.#ended)
    return fresh.proof
  }

  refused(proof: Proof): boolean {
    // Another connection may have asked for a fresh one already.
    if (this.#token?.proof !== proof) return true
    if (this.#isRefused) return false
    this.#isRefused = true
    return true
  }

  onFresh(listener: (proof: Proof) => void): void {
    this.#listeners.push(listener)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#source.close?.()
  }

  get #ended(): string {
    return `the ${this.kind} has a token that has ended`
  }

  async #read(): Promise<Token> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined
    })
    return await this.#reading
  }

  async #readOnce(): Promise<Token> {
    try {
      const bearer = await this.#source.read()
      const isFresh = bearer.text !== this.#token?.text
      if (isFresh) this.#take(bearer)
      this.#schedule(isFresh)
      this.#problem = undefined
      return this.#token as Token
    } catch (error) {
      this.#schedule(false)
      this.#problem = noFresh(error instanceof Error ? error.message : String(error))
      throw error
    }
  }

  #take({ text, expiresAtMs }: Bearer): void {
    // It goes into a header.
    if (!/^[\x21-\x7e]+$/.test(text)) throw new LoginFailed(`the ${this.kind} has no token: expected one word`)
    const isFirst = this.#token === undefined
    const proof: Proof = { authorization: `Bearer ${text}`, secret: new Secret(text) }
    const dueAtMs = expiresAtMs === undefined ? undefined : renewalAtMs(expiresAtMs, Date.now())
    this.#token = { text, proof, expiresAtMs, renewalAtMs: dueAtMs }
    this.#isRefused = false
    if (!isFirst) for (const listener of this.#listeners) listener(proof)
  }

  #schedule(isFresh: boolean): void {
    clearTimeout(this.#timer)
    if (this.#isClosed) return
    const { pollMs } = this.#source
    const dueAtMs = this.#token?.renewalAtMs
    const dueMs = dueAtMs === undefined ? undefined : dueAtMs - Date.now()
    if (isFresh || dueMs === undefined || dueMs > 0) this.#againMs = AGAIN_MIN_MS
    else this.#againMs = Math.min(AGAIN_MAX_MS, this.#againMs * 2)
    const waits = [pollMs, dueMs === undefined ? undefined : Math.max(dueMs, this.#againMs)]
    const wait = Math.min(...waits.filter((ms) => ms !== undefined), LONGEST_WAIT_MS)
    if (dueMs === undefined && pollMs === undefined) return
    this.#timer = setTimeout(() => void this.#look(), wait)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    try {
      await this.#read()
    } catch {
      this.#note(this.#problem ?? 'no fresh token')
    }
  }
}

function noFresh(why: string): string {
  return `no fresh token: ${why}`
}

function hasEnded({ expiresAtMs }: Token): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= Date.now()
}
