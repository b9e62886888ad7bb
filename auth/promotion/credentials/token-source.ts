/**
 * One token of the gateway's own, shared by all sessions that show it: got once for all who ask at the same time, kept
 * until most of its life is over, and after a failure asked for again with growing intervals, not once for each client.
 */
import type { Secret } from '../../secret.ts'

/** What a token endpoint gave. */
export interface FetchedToken {
  readonly secret: Secret
  /** In ms since the epoch; absent where nobody said. */
  readonly expiresAtMs?: number
}

export interface Token extends FetchedToken {
  /** When the next one should be got. */
  readonly dueAtMs: number
}

/** Part of a token's life after which the next one is got. */
const DUE_RATIO = 0.75
/** A token whose end nobody tells is asked for again after this. */
const UNKNOWN_LIFE_MS = 300_000
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000
/** A pause is shorter by up to this part of it, so that several gateways do not ask in step. */
const JITTER_RATIO = 0.2

export class TokenSource {
  readonly #fetch: () => Promise<FetchedToken>
  readonly #nowMs: () => number
  #token: Token | undefined
  #fetching: Promise<Token> | undefined
  #pauseMs = 0
  #pausedUntilMs = 0
  #failure: Error | undefined

  constructor(fetchToken: () => Promise<FetchedToken>, nowMs: () => number = Date.now) {
    this.#fetch = fetchToken
    this.#nowMs = nowMs
  }

  /** A token that is good now. Rejects where there is none to be had, with the last failure. */
  async current(): Promise<Token> {
    const token = this.#token
    const nowMs = this.#nowMs()
    if (token !== undefined && nowMs < token.dueAtMs) return token
    try {
      return await this.#next()
    } catch (error) {
      if (token !== undefined && this.#nowMs() < (token.expiresAtMs ?? token.dueAtMs)) return token
      throw error
    }
  }

  /** A token that is newer than this one. Rejects where there is none yet. */
  async after(token: Token): Promise<Token> {
    const held = this.#token
    return held !== undefined && held !== token && this.#nowMs() < held.dueAtMs ? held : await this.#next()
  }

  async #next(): Promise<Token> {
    if (this.#fetching !== undefined) return await this.#fetching
    if (this.#failure !== undefined && this.#nowMs() < this.#pausedUntilMs) throw this.#failure
    this.#fetching = this.#get().finally(() => {
      this.#fetching = undefined
    })
    return await this.#fetching
  }

  async #get(): Promise<Token> {
    const askedAtMs = this.#nowMs()
    try {
      const fetched = await this.#fetch()
      const lifeMs = fetched.expiresAtMs === undefined ? UNKNOWN_LIFE_MS : fetched.expiresAtMs - askedAtMs
      const { expiresAtMs = Number.POSITIVE_INFINITY } = fetched
      if (!(expiresAtMs > this.#nowMs())) throw new Error('the token has expired already')
      this.#token = { ...fetched, dueAtMs: askedAtMs + lifeMs * DUE_RATIO }
      this.#failure = undefined
      this.#pauseMs = 0
      return this.#token
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error('unknown failure', { cause: error })
      this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
      this.#pausedUntilMs = this.#nowMs() + this.#pauseMs * (1 - Math.random() * JITTER_RATIO)
      throw this.#failure
    }
  }
}
