/**
 * Answers kept for a while by key: so many at most, the oldest first to go, and one question for all who ask at once. Answers
 * may overtake each other: once one has arrived, those of questions that were asked before it count for nothing.
 */

export interface KeptAnswer<T> {
  readonly value: T
  /** When it stops being true, in ms since the epoch. */
  readonly expiresAtMs: number | undefined
}

interface Question {
  readonly askedAtMs: number
  /** One that was asked later has its answer already. */
  isOvertaken: boolean
}

interface Shared<T> extends Question {
  answer: Promise<T>
}

export class KeptAnswers<T> {
  readonly #most: number
  readonly #keptMs: number
  readonly #nowMs: () => number
  readonly #answers = new Map<string, { readonly value: T; readonly untilMs: number }>()
  readonly #shared = new Map<string, Shared<T>>()
  /** Questions under way by key, in the order in which they were asked. */
  readonly #underWay = new Map<string, Set<Question>>()

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
    const shared = this.#shared.get(key)
    return await (shared === undefined || shared.isOvertaken ? this.#share(key, ask) : shared.answer)
  }

  /** Asks anew, whatever is kept. Undefined: it is not true any more. */
  async again(key: string, ask: () => Promise<KeptAnswer<T> | undefined>): Promise<T | undefined> {
    const question = this.#begin(key)
    try {
      const answer = await ask()
      this.#learn(key, question, answer)
      return answer?.value
    } finally {
      this.#end(key, question)
    }
  }

  #share(key: string, ask: () => Promise<KeptAnswer<T>>): Promise<T> {
    const question = this.#begin(key)
    const shared = Object.assign(question, { answer: this.#ask(key, question, ask) })
    this.#shared.set(key, shared)
    return shared.answer
  }

  async #ask(key: string, question: Question, ask: () => Promise<KeptAnswer<T>>): Promise<T> {
    try {
      const answer = await ask()
      if (this.#learn(key, question, answer)) return answer.value
    } catch (error) {
      // It may be a no. What a question before it brought is not kept, either.
      this.#learn(key, question, undefined)
      throw error
    } finally {
      this.#end(key, question)
      if (this.#shared.get(key) === question) this.#shared.delete(key)
    }
    return await this.get(key, ask)
  }

  #begin(key: string): Question {
    const question = { askedAtMs: this.#nowMs(), isOvertaken: false }
    const underWay = this.#underWay.get(key) ?? new Set()
    this.#underWay.set(key, underWay.add(question))
    return question
  }

  #end(key: string, question: Question): void {
    const underWay = this.#underWay.get(key)
    underWay?.delete(question)
    if (underWay?.size === 0) this.#underWay.delete(key)
  }

  /** @returns whether it is the newest that is known */
  #learn(key: string, question: Question, answer: KeptAnswer<T> | undefined): boolean {
    if (question.isOvertaken) return false
    for (const earlier of this.#underWay.get(key) ?? []) {
      if (earlier === question) break
      earlier.isOvertaken = true
    }
    this.#answers.delete(key)
    if (answer !== undefined) this.#keep(key, answer, question.askedAtMs)
    return true
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
