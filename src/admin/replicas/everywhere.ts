/** What all gateways have together: this one's own, and what the others answer within a second. */
import type { Sessions } from '../../sessions/registry.ts'
import type { Lately } from '../live/lately.ts'
import { mergedPeople, type PeoplePage, peopleHere } from '../live/people.ts'
import { mergedRefusals, type ShownRefusal } from '../live/recent-refusals.ts'
import type { Management } from '../management.ts'
import { ApiProblem } from '../problem.ts'
import { type Listing, merged } from '../routes/listing.ts'
import type { ShownDetail } from '../routes/shown-session.ts'
import type { SessionPage } from '../shapes.ts'
import { type CountedGeneration, type Counts, countsHere, sumOfCounts } from './counts.ts'
import type { Here } from './here.ts'
import type { AnsweredBy, Others } from './others.ts'
import type { Answering, AnswerTo, AskedOf, Question, QuestionKind } from './questions.ts'

/** Whoever has not answered by then is named. */
const ANSWER_MS = 1_000
/** Each gateway sends so many sessions at most, whatever page somebody asks for. */
const MOST_ROWS = 5_000
/** Of people, those who carry most at each gateway: who is on no list of these carries little altogether. */
const MOST_PEOPLE = 500

export interface EverywhereParts {
  readonly management: Management
  readonly sessions: Sessions
  readonly lately: Lately
  /** Undefined: this gateway is alone. */
  readonly others: Others | undefined
  here(): Here
  /** What is in force. */
  current(): CountedGeneration
}

/** Names of those that did not answer: what they have is missing. */
export interface NotReached {
  readonly notReached: readonly string[]
}

export interface FoundSession extends NotReached {
  readonly found: ShownDetail | undefined
}

export class Everywhere {
  readonly #others: Others | undefined
  readonly #answering: Answering

  constructor({ management, sessions, lately, others, here, current }: EverywhereParts) {
    const { rates, refusals, history } = lately
    const limitsOf = management.limitsOf.bind(management)
    this.#others = others
    this.#answering = {
      sessions: (listing) => management.list(listing),
      session: (id) => management.session(id) ?? null,
      refusals: () => refusals.list().map((refusal) => ({ ...refusal, replica: here().replica })),
      counts: () => countsHere(sessions, current(), history.rates()),
      people: (most) => peopleHere({ sessions, rates, limitsOf }, most),
    }
  }

  /** Answers another gateway. Undefined: this one, of another version, does not know the question. */
  answer({ kind, asked }: Question): unknown {
    if (!Object.hasOwn(this.#answering, kind)) return undefined
    const answer = this.#answering[kind] as (asked: unknown) => unknown
    return answer(asked)
  }

  /** @throws {ApiProblem} where a page is too far behind */
  async sessions(listing: Listing): Promise<SessionPage> {
    const { page, pageSize, replica: names } = listing
    // One replica sorts its sessions by itself.
    const isOfOne = names?.length === 1 || this.#others === undefined
    const end = page * pageSize
    if (!isOfOne && end > MOST_ROWS) throw tooFar()
    const { all, notReached } = await this.#all('sessions', isOfOne ? listing : { ...listing, page: 1, pageSize: end })
    const items = isOfOne ? all.flatMap((one) => one.items) : merged(all, listing)
    const total = all.reduce((sum, one) => sum + one.total, 0)
    return { total, page, pageSize, items, notReached: notReached.filter((name) => names?.includes(name) ?? true) }
  }

  async session(id: string): Promise<FoundSession> {
    const own = this.#answering.session(id)
    if (own !== null) return { found: own, notReached: [] }
    const { answers, notReached } = await this.#ask('session', id)
    return { found: answers.find(({ answer }) => answer !== null)?.answer ?? undefined, notReached }
  }

  /** The last one first. */
  async refusals(): Promise<NotReached & { readonly items: readonly ShownRefusal[] }> {
    const { all, notReached } = await this.#all('refusals', null)
    return { items: mergedRefusals(all), notReached }
  }

  async counts(): Promise<Counts & NotReached> {
    const { all, notReached } = await this.#all('counts', null)
    return { ...sumOfCounts(all), notReached }
  }

  async people(most: number): Promise<PeoplePage & NotReached> {
    const { all, notReached } = await this.#all('people', this.#others === undefined ? most : MOST_PEOPLE)
    return { ...mergedPeople(all, most), notReached }
  }

  /** This one's own answer is the first. */
  async #all<K extends QuestionKind>(
    kind: K,
    asked: AskedOf<K>,
  ): Promise<NotReached & { all: readonly AnswerTo<K>[] }> {
    const own = this.#answering[kind](asked)
    const { answers, notReached } = await this.#ask(kind, asked)
    return { all: [own, ...answers.map(({ answer }) => answer)], notReached }
  }

  async #ask<K extends QuestionKind>(kind: K, asked: AskedOf<K>): Promise<AnsweredBy<K>> {
    return (await this.#others?.ask(kind, asked, ANSWER_MS)) ?? { answers: [], notReached: [] }
  }
}

function tooFar(): ApiProblem {
  const mistake = `page: expected at most the first ${MOST_ROWS} sessions of several replicas: filter, or name one replica`
  return new ApiProblem(400, 'mistakes in the query', { errors: [mistake] })
}
