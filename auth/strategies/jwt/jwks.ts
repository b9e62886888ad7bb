/**
 * The keys of one issuer, fetched when they are needed and kept. A failed fetch never takes good keys away before they
 * are a day old, and never is taken for "no such key": while it lasts, an unknown key is a temporary failure.
 * Fetches are single: one at a time for any number of tokens, and at most one in 30 s however many keys they name.
 */
import type { JWK } from 'jose'
import { show } from './json.ts'
import { type Algorithm, readKeySet, type VerificationKey } from './jwks-key.ts'

export interface KeySource {
  /** For operators: the URL or the file. */
  readonly where: string
  /** The key set's document; rejects where it cannot be had. */
  load(signal: AbortSignal): Promise<unknown>
  /** How long keys are used without looking again, ms. */
  readonly freshMs: number
  /** The shortest time between two loads for a key that is not there, ms. */
  readonly againMs: number
}

export interface KeySetOptions {
  readonly source: KeySource
  readonly algorithms: readonly Algorithm[]
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicMs: () => number
  /** Told once when loading begins to fail (with the cause) and once when it works again. */
  readonly observe: (event: KeySetEvent) => void
}

export type KeySetEvent =
  | { readonly kind: 'keys-unavailable'; readonly where: string; readonly detail: string }
  | { readonly kind: 'keys-available'; readonly where: string; readonly keyCount: number }

const KEPT_MS = 24 * 3600 * 1000
/** Between two attempts while there are no keys at all: an identity provider that starts later is found soon. */
const FIRST_AGAIN_MS = 2000

export class KeySet {
  readonly #options: KeySetOptions
  readonly #closing = new AbortController()
  #keys: readonly VerificationKey[] = []
  #loadedMs = Number.NEGATIVE_INFINITY
  #attemptedMs = Number.NEGATIVE_INFINITY
  #failure: string | undefined
  #loading: Promise<void> | undefined

  constructor(options: KeySetOptions) {
    this.#options = options
  }

  /**
   * The keys that may have made a signature of this algorithm; empty when the issuer has none such.
   * @throws {Error} when that cannot be known now: no fault of the client's
   */
  async find(algorithm: string, kid: string | undefined): Promise<readonly JWK[]> {
    await this.#freshen()
    let found = this.#fitting(algorithm, kid)
    if (found.length === 0 && (this.#loading !== undefined || this.#mayLoad())) {
      await this.load()
      found = this.#fitting(algorithm, kid)
    }
    if (found.length === 0 && this.#failure !== undefined) {
      throw new Error(
        `temporary failure: the key ${show(kid)} is not known, and ${this.#options.source.where} cannot be read: ${this.#failure}`,
      )
    }
    return found
  }

  /** Loads the keys now, or joins the load that is under way. Never rejects. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  close(): void {
    this.#closing.abort()
  }

  async #freshen(): Promise<void> {
    const ageMs = this.#options.monotonicMs() - this.#loadedMs
    if (ageMs > KEPT_MS) this.#keys = []
    if (ageMs <= this.#options.source.freshMs) return
    if (this.#loading !== undefined && this.#keys.length === 0) return this.#loading
    if (!this.#mayLoad()) return
    const loading = this.load()
    // In an outage nobody waits for what will probably fail, as long as there are keys to go on with.
    if (this.#failure === undefined || this.#keys.length === 0) await loading
  }

  #mayLoad(): boolean {
    const againMs = this.#keys.length === 0 ? FIRST_AGAIN_MS : this.#options.source.againMs
    return this.#options.monotonicMs() - this.#attemptedMs >= againMs
  }

  #fitting(algorithm: string, kid: string | undefined): readonly JWK[] {
    return this.#keys
      .filter((key) => (key.algorithms as readonly string[]).includes(algorithm))
      .filter((key) => kid === undefined || key.kid === kid)
      .map((key) => key.jwk)
  }

  async #load(): Promise<void> {
    const { source, algorithms, monotonicMs, observe } = this.#options
    this.#attemptedMs = monotonicMs()
    try {
      this.#keys = await readKeySet(await source.load(this.#closing.signal), algorithms)
      this.#loadedMs = monotonicMs()
      if (this.#failure !== undefined) {
        observe({ kind: 'keys-available', where: source.where, keyCount: this.#keys.length })
      }
      this.#failure = undefined
    } catch (error) {
      const isFirst = this.#failure === undefined
      this.#failure = describe(error)
      if (isFirst && !this.#closing.signal.aborted) {
        observe({ kind: 'keys-unavailable', where: source.where, detail: this.#failure })
      }
    }
  }
}

const ERROR_CODE = /^[\w.:-]{1,64}$/

/** What went wrong, with the cause that `fetch` hides behind "fetch failed". */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  // `openid-client` leaves out which error the provider names [RFC 6749 §5.2],
  if ('error' in error && typeof error.error === 'string' && ERROR_CODE.test(error.error))
    return `${error.message} (${error.error})`
  // and which status it did not expect.
  if (cause instanceof Response) return `${error.message} (${cause.status})`
  if (!(cause instanceof Error)) return error.message
  const { code } = cause as NodeJS.ErrnoException
  return `${error.message}: ${cause.message !== '' ? cause.message : (code ?? cause.name)}`
}
