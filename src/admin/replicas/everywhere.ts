/** What all gateways have together: this one's own, and what the others answer within a second. */
import type { Sessions } from '../../sessions/registry.ts'
import { sumOfRates } from '../live/history.ts'
import type { Lately } from '../live/lately.ts'
import { mergedPeople, type PeoplePage, peopleHere } from '../live/people.ts'
import { mergedRefusals, type ShownRefusal } from '../live/recent-refusals.ts'
import { addedRules, type ShownRules, shownRules } from '../live/rules.ts'
import type { Management } from '../management.ts'
import { ApiProblem } from '../problem.ts'
import { type Listing, merged } from '../routes/listing.ts'
import type { ShownDetail } from '../routes/shown-session.ts'
import type { SessionPage } from '../shapes.ts'
import { type CountedGeneration, type Counts, countsHere, sumOfCounts } from './counts.ts'
import type { Here } from './here.ts'
import type { AnsweredBy, Others } from './others.ts'
import type { Answering, AnsweringTogether, AnswerTo, AskedOf, Question, QuestionKind } from './questions.ts'

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
  /** Undefined: this process is alone. */
  readonly others: Others | undefined
  /** Those of them that are processes of this gateway. */
  readonly crew: Others | undefined
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
  readonly #crew: Others | undefined
  readonly #answering: Answering

  constructor({ management, sessions, lately, others, crew, here, current }: EverywhereParts) {
    const { rates, refusals, history } = lately
    const limitsOf = management.limitsOf.bind(management)
    this.#others = others
    this.#crew = crew
    this.#answering = {
      sessions: (listing) => management.list(listing),
      session: (id) => management.session(id) ?? null,
      refusals: () => refusals.list().map((refusal) => ({ ...refusal, replica: here().replica })),
      // Of several processes the primary has no sessions, and its history is that of the others.
      counts: () => countsHere(sessions, current(), crew === undefined ? history.rates() : sumOfRates([])),
      people: (most) => peopleHere({ sessions, rates, limitsOf }, most),
      rules: () => [...current().services.values()].map(shownRules),
    }
  }

  /** Answers another process. Undefined: this one, of another version, does not know the question. */
  async answer({ kind, asked }: Question): Promise<unknown> {
    if (!Object.hasOwn(this.#answering, kind)) return undefined
    const answering: AnsweringTogether | Answering =
      this.#crew === undefined ? this.#answering : this.#ofGateway(this.#crew)
    return await (answering[kind] as (asked: unknown) => unknown)(asked)
  }

  /** What all processes of this gateway answer together. */
  #ofGateway(crew: Others): AnsweringTogether {
    return {
      sessions: async (listing) => await this.sessions(listing, crew),
      session: async (id) => (await this.session(id, crew)).found ?? null,
      refusals: async () => (await this.refusals(crew)).items,
      counts: async () => await this.counts(crew),
      people: async (most) => await this.people(most, crew),
      rules: async () => await this.rules(),
    }
  }

  /** How often rules have applied at this gateway. */
  async rules(): Promise<readonly ShownRules[]> {
    return addedRules((await this.#all('rules', null, this.#crew)).all)
  }

  /** @throws {ApiProblem} where a page is too far behind */
  async sessions(listing: Listing, others = this.#others): Promise<SessionPage> {
    const { page, pageSize, replica: names } = listing
    // One replica sorts its sessions by itself.
    const isOfOne = this.#crew === undefined && (names?.length === 1 || others === undefined)
    const end = page * pageSize
    if (!isOfOne && end > MOST_ROWS) throw tooFar()
    const asked = isOfOne ? listing : { ...listing, page: 1, pageSize: end }
    const { all, notReached } = await this.#all('sessions', asked, others)
    const items = isOfOne ? all.flatMap((one) => one.items) : merged(all, listing)
    const total = all.reduce((sum, one) => sum + one.total, 0)
    return { total, page, pageSize, items, notReached: notReached.filter((name) => names?.includes(name) ?? true) }
  }

  async session(id: string, others = this.#others): Promise<FoundSession> {
    const own = this.#answering.session(id)
    if (own !== null) return { found: own, notReached: [] }
    const { answers, notReached } = await this.#ask('session', id, others)
    return { found: answers.find(({ answer }) => answer !== null)?.answer ?? undefined, notReached }
  }

  /** The last one first. */
  async refusals(others = this.#others): Promise<NotReached & { readonly items: readonly ShownRefusal[] }> {
    const { all, notReached } = await this.#all('refusals', null, others)
    return { items: mergedRefusals(all), notReached }
  }

  async counts(others = this.#others): Promise<Counts & NotReached> {
    const { all, notReached } = await this.#all('counts', null, others)
    return { ...sumOfCounts(all), notReached }
  }

  async people(most: number, others = this.#others): Promise<PeoplePage & NotReached> {
    const { all, notReached } = await this.#all('people', others === undefined ? most : MOST_PEOPLE, others)
    return { ...mergedPeople(all, most), notReached }
  }

  /** This one's own answer is the first. */
  async #all<K extends QuestionKind>(
    kind: K,
    asked: AskedOf<K>,
    others: Others | undefined,
  ): Promise<NotReached & { all: readonly AnswerTo<K>[] }> {
    const own = this.#answering[kind](asked)
    const { answers, notReached } = await this.#ask(kind, asked, others)
    return { all: [own, ...answers.map(({ answer }) => answer)], notReached }
  }

  async #ask<K extends QuestionKind>(kind: K, asked: AskedOf<K>, others: Others | undefined): Promise<AnsweredBy<K>> {
    return (await others?.ask(kind, asked, ANSWER_MS)) ?? { answers: [], notReached: [] }
  }
}

function tooFar(): ApiProblem {
  const mistake = `page: expected at most the first ${MOST_ROWS} sessions of several replicas or workers: filter, or name one replica`
  return new ApiProblem(400, 'mistakes in the query', { errors: [mistake] })
}
