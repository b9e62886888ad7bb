/** Which questions gateways, and the processes of one gateway, ask one another. */
import type { PeoplePage } from '../live/people.ts'
import type { ShownRefusal } from '../live/recent-refusals.ts'
import type { ShownRules } from '../live/rules.ts'
import type { Listing } from '../routes/listing.ts'
import type { ShownDetail } from '../routes/shown-session.ts'
import type { SessionPage } from '../shapes.ts'
import type { Counts } from './counts.ts'

/** By kind: what is asked, and what each gateway answers of its own. */
interface Questions {
  /** Of a page, all that stand before it are needed, too: asked for is a first page that ends where it ends. */
  readonly sessions: { readonly asked: Listing; readonly answer: SessionPage }
  /** Of this id; `null`: it is not here. */
  readonly session: { readonly asked: string; readonly answer: ShownDetail | null }
  readonly refusals: { readonly asked: null; readonly answer: readonly ShownRefusal[] }
  readonly counts: { readonly asked: null; readonly answer: Counts }
  /** So many of them at most. */
  readonly people: { readonly asked: number; readonly answer: PeoplePage }
  /** Of one gateway: another one may have other rules. */
  readonly rules: { readonly asked: null; readonly answer: readonly ShownRules[] }
}

export type QuestionKind = keyof Questions
export type AskedOf<K extends QuestionKind> = Questions[K]['asked']
export type AnswerTo<K extends QuestionKind> = Questions[K]['answer']

/** As it travels. */
export interface Question<K extends QuestionKind = QuestionKind> {
  readonly kind: K
  readonly asked: AskedOf<K>
}

/** What is answered, for every kind there is. */
export type Answering = { readonly [K in QuestionKind]: (asked: AskedOf<K>) => AnswerTo<K> }

/** The same of several processes together. */
export type AnsweringTogether = { readonly [K in QuestionKind]: (asked: AskedOf<K>) => Promise<AnswerTo<K>> }
