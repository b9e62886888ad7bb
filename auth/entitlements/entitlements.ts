/**
 * Asks a service or a module what an identity may do. Who asks about the same identity at the same time shares a question.
 * Nothing is kept here: sessions hold the answer by which they live. No answer in time, or one that is none, is a failure.
 */
import { createHash } from 'node:crypto'
import { within } from '../deadline.ts'
import { EntitlementRefused, EntitlementUnavailable, InvalidConfiguration, type Mistake } from '../errors.ts'
import type { SecretSources } from '../promotion/input.ts'
import { deepFreeze } from '../strategies/claims.ts'
import { describe } from '../strategies/jwt/jwks.ts'
import { readAnswer } from './answer.ts'
import { type Ask, askModule, askUrl, loadModule } from './asking.ts'
import type { Entitlement } from './entitlement.ts'
import type { EntitlementQuestion, EntitlementsInput } from './input.ts'

export type EntitlementOutcome = 'allowed' | 'refused' | 'unavailable'

/** Called for each question that was asked. */
export type ObserveEntitlement = (outcome: EntitlementOutcome, seconds: number) => void

export class Entitlements {
  readonly refreshMs: number
  readonly staleForMs: number
  readonly #timeoutMs: number
  readonly #what: string
  readonly #ask: Ask
  readonly #check: () => Promise<void>
  readonly #observe: ObserveEntitlement
  readonly #asking = new Map<string, Promise<Entitlement>>()

  /** @throws InvalidConfiguration */
  constructor(input: EntitlementsInput, sources: SecretSources, observe: ObserveEntitlement = () => undefined) {
    const { url, module, timeout, refresh, staleFor } = input
    this.refreshMs = refresh
    this.staleForMs = staleFor
    this.#timeoutMs = timeout
    this.#observe = observe
    if (url !== undefined) {
      const { ask, check } = askUrl(url, input.secret, timeout, sources)
      this.#what = url
      this.#ask = ask
      this.#check = check
    } else if (module !== undefined) {
      const load = loadModule(module, sources)
      this.#what = `module ${module}`
      this.#ask = askModule(load, input.options ?? {})
      this.#check = async () => void (await load())
    } else {
      throw new InvalidConfiguration([{ path: [], message: 'expected `url` or `module`' }])
    }
  }

  /** @throws EntitlementRefused, EntitlementUnavailable */
  async ask(question: EntitlementQuestion): Promise<Entitlement> {
    const key = entitlementKey(question)
    const asking = this.#asking.get(key) ?? this.#asked(question).finally(() => this.#asking.delete(key))
    this.#asking.set(key, asking)
    return await asking
  }

  /** Loads the module, or reads the secret. Resolves to what is wrong with it. */
  async check(): Promise<readonly Mistake[]> {
    try {
      await this.#check()
      return []
    } catch (error) {
      return [{ path: [], message: error instanceof Error ? error.message : 'unknown failure' }]
    }
  }

  async #asked(question: EntitlementQuestion): Promise<Entitlement> {
    const startedMs = performance.now()
    const done = (outcome: EntitlementOutcome) => this.#observe(outcome, (performance.now() - startedMs) / 1000)
    const abort = new AbortController()
    try {
      const work = this.#ask(inputOf(question), abort.signal)
      const entitlement = readAnswer(await within(this.#timeoutMs, 'the answer', work), Date.now())
      done('allowed')
      return entitlement
    } catch (error) {
      done(error instanceof EntitlementRefused ? 'refused' : 'unavailable')
      if (error instanceof EntitlementRefused) throw error
      const why = error instanceof Error ? describe(error) : 'unknown failure'
      throw new EntitlementUnavailable(`entitlements of ${this.#what}: ${why}`, { cause: error })
    } finally {
      abort.abort()
    }
  }
}

/** Equal for sessions that share a question: all but the session's id. */
export function entitlementKey({ identity, service, address, user, vhost }: EntitlementQuestion): string {
  const { issuer, subject, roles, claims } = identity
  const text = JSON.stringify([issuer, subject, roles, claims, service, address, user, vhost])
  return createHash('sha256').update(text).digest('base64url')
}

/** A copy that nobody can change. No token is in it. */
function inputOf({ identity, ...question }: EntitlementQuestion): object {
  const { issuer, subject, roles, claims } = identity
  return deepFreeze(structuredClone({ subject, issuer, roles, claims, ...question }))
}
