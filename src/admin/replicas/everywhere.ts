/** What all gateways have together: this one's own, and what the others answer within a second. */
import type { Management } from '../management.ts'
import { ApiProblem } from '../problem.ts'
import { type Listing, merged } from '../routes/listing.ts'
import type { ShownDetail } from '../routes/shown-session.ts'
import type { SessionPage } from '../shapes.ts'
import type { AnsweredBy, Others } from './others.ts'
import type { Answering, AskedOf, Question, QuestionKind } from './questions.ts'

/** Whoever has not answered by then is named. */
const ANSWER_MS = 1_000
/** Each gateway sends so many sessions at most, whatever page somebody asks for. */
const MOST_ROWS = 5_000

export interface Found<T> {
  readonly found: T | undefined
  /** Names of those that may have it, and did not answer. */
  readonly notReached: readonly string[]
}

export class Everywhere {
  readonly #others: Others | undefined
  readonly #answering: Answering

  constructor(management: Management, others: Others | undefined) {
    this.#others = others
    this.#answering = {
      sessions: (listing) => management.list(listing),
      session: (id) => management.session(id) ?? null,
    }
  }

  /** Answers another gateway. Undefined: this one, of another version, does not know the question. */
  async answer({ kind, asked }: Question): Promise<unknown> {
    if (!Object.hasOwn(this.#answering, kind)) return undefined
    const answer = this.#answering[kind] as (asked: unknown) => unknown
    return await answer(asked)
  }

  /** @throws {ApiProblem} where a page is too far behind */
  async sessions(listing: Listing): Promise<SessionPage> {
    const { page, pageSize, replica: names } = listing
    // One replica sorts its sessions by itself.
    const isOfOne = names?.length === 1
    const end = page * pageSize
    if (this.#others !== undefined && !isOfOne && end > MOST_ROWS)
      throw new ApiProblem(400, 'mistakes in the query', {
        errors: [
          `page: expected at most the first ${MOST_ROWS} sessions of several replicas: filter them, or name one replica`,
        ],
      })
    const { own, answers, notReached } = await this.#all(
      'sessions',
      isOfOne ? listing : { ...listing, page: 1, pageSize: end },
    )
    const pages = [own, ...answers.map(({ answer }) => answer)]
    const items = isOfOne ? pages.flatMap((one) => one.items) : merged(pages, listing)
    const total = pages.reduce((sum, one) => sum + one.total, 0)
    return { total, page, pageSize, items, notReached: notReached.filter((name) => names?.includes(name) ?? true) }
  }

  async session(id: string): Promise<Found<ShownDetail>> {
    const own = await this.#answering.session(id)
    if (own !== null) return { found: own, notReached: [] }
    const { answers, notReached } = await this.#ask('session', id)
    return { found: answers.find(({ answer }) => answer !== null)?.answer ?? undefined, notReached }
  }

  async #all<K extends QuestionKind>(kind: K, asked: AskedOf<K>) {
    const [own, others] = await Promise.all([this.#answering[kind](asked), this.#ask(kind, asked)])
    return { own, ...others }
  }

  async #ask<K extends QuestionKind>(kind: K, asked: AskedOf<K>): Promise<AnsweredBy<K>> {
    return (await this.#others?.ask(kind, asked, ANSWER_MS)) ?? { answers: [], notReached: [] }
  }
}
