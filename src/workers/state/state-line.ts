/**
 * How a worker asks the primary for what it remembers: one question at a time, each within a time, and all of one request within
 * one budget where there is a store behind the primary. No answer means what a store that is away means.
 */
import { type Refreshed, StateUnavailable } from '../../../auth/index.ts'
import { Budgets } from '../../state/budgets.ts'
import { NoAnswer, type ProcessLine } from '../process-line.ts'
import type { LoginLine } from './login-lines.ts'
import type { StateQuestions } from './questions.ts'

/** The primary does little else; one that is silent for so long is as good as gone. */
const ANSWER_MS = 5_000
/** As long as a refresh may take: see src/state/logins/logins.ts. */
const REFRESH_MS = 25_000

type Work = (current: LoginLine, held: number) => Promise<Refreshed>

export class StateLine {
  readonly #channel: ProcessLine
  readonly #budgets: Budgets
  readonly #works = new Map<number, Work>()
  #workNumber = 0

  /** @param budgetMs what one request may wait for the primary, all its questions together */
  constructor(channel: ProcessLine, budgetMs: number) {
    this.#channel = channel
    this.#budgets = new Budgets(budgetMs)
    channel.answer('logins.work', async ({ work, held, login }) => {
      const found = this.#works.get(work)
      if (found === undefined) throw new StateUnavailable('whoever asked for the refresh has gone')
      return await found(login, held)
    })
  }

  /** Whatever `work` asks takes no longer than one budget, all together. */
  async withinBudget<T>(work: () => Promise<T>): Promise<T> {
    return await this.#budgets.run(work)
  }

  /** @throws {StateUnavailable} where there is no answer in time */
  async ask<Q extends keyof StateQuestions>(
    question: Q,
    body: StateQuestions[Q]['ask'],
  ): Promise<StateQuestions[Q]['answer']> {
    const budget = this.#budgets.current
    const mostMs = Math.min(ANSWER_MS, budget?.leftMs ?? ANSWER_MS)
    if (mostMs <= 0) throw new StateUnavailable('the state has taken all the time that this request has for it')
    const startedMs = performance.now()
    try {
      return await this.#asked(question, body, mostMs)
    } finally {
      if (budget !== undefined) budget.leftMs -= performance.now() - startedMs
    }
  }

  /** Has `work` done with the login as it is now, unless another worker is at it. */
  async refresh(asked: Omit<StateQuestions['logins.refresh']['ask'], 'work'>, work: Work): Promise<Refreshed> {
    this.#workNumber += 1
    const number = this.#workNumber
    this.#works.set(number, work)
    try {
      return await this.#asked('logins.refresh', { ...asked, work: number }, REFRESH_MS)
    } finally {
      this.#works.delete(number)
    }
  }

  async #asked<Q extends keyof StateQuestions>(
    question: Q,
    body: StateQuestions[Q]['ask'],
    withinMs: number,
  ): Promise<StateQuestions[Q]['answer']> {
    try {
      return await this.#channel.ask(question, body, withinMs)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      throw new StateUnavailable(`the primary process did not answer: ${error.message}`, { cause: error })
    }
  }
}
