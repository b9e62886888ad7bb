/** Answers kept for a while by key: so many at most, the oldest first to go, and one question for all who ask at once. */

export interface KeptAnswer<T> {
  readonly value: T
  /** When it stops being true, in ms since the epoch. */
  readonly expiresAtMs: number | undefined
}

export class KeptAnswers<T> {
  readonly #most: number
  readonly #keptMs: number
  readonly #nowMs: () => number
  readonly #answers = new Map<string, { readonly value: T; readonly untilMs: number }>()
  readonly #asking = new Map<string, Promise<T>>()

  /** @param keptMs 0: not at all; even then those who ask at once share an answer */
  constructor(most: number, keptMs: number, nowMs: () => number = Date.now) {
    this.#most = most
    this.#keptMs = keptMs
    this.#nowMs = nowMs
  }

  async get(key: string, ask: () => Promise<KeptAnswer<T>>): Promise<T> {
    const held = this.#answers.get(key)
    if (held !== undefined && this.#nowMs() < held.untilMs) return held.value
    this.#answers.delete(key)
    const asking = this.#asking.get(key) ?? this.#ask(key, ask)
    this.#asking.set(key, asking)
    return await asking
  }

  /** It is not true any more. */
  forget(key: string): void {
    this.#answers.delete(key)
  }

  /** It is this now, as somebody who asked has learnt. */
  replace(key: string, answer: KeptAnswer<T>): void {
    this.#answers.delete(key)
    this.#keep(key, answer, this.#nowMs())
  }

  async #ask(key: string, ask: () => Promise<KeptAnswer<T>>): Promise<T> {
    const askedAtMs = this.#nowMs()
    try {
      const answer = await ask()
      this.#keep(key, answer, askedAtMs)
      return answer.value
    } finally {
      this.#asking.delete(key)
    }
  }

  #keep(key: string, { value, expiresAtMs }: KeptAnswer<T>, askedAtMs: number): void {
    // Half of a life at most, so that whoever gets it has something left of it.
    const lifeMs = expiresAtMs === undefined ? this.#keptMs : Math.min(this.#keptMs, (expiresAtMs - askedAtMs) / 2)
    if (lifeMs <= 0) return
    const [oldest] = this.#answers.keys()
    if (this.#answers.size >= this.#most && oldest !== undefined) this.#answers.delete(oldest)
    this.#answers.set(key, { value, untilMs: askedAtMs + lifeMs })
  }
}
