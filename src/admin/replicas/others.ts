/**
 * The gateways beside this one, whatever carries what they say to one another: orders about people and sessions are passed
 * on, and questions are asked.
 */
import type { Block } from '../../sessions/bars.ts'
import type { KickOrder } from '../orders/orders.ts'
import type { AnswerTo, AskedOf, QuestionKind } from './questions.ts'

export type OrderNews =
  | { readonly kind: 'blocked'; readonly block: Block }
  | { readonly kind: 'unblocked'; readonly subject: string; readonly issuer: string | undefined }
  | { readonly kind: 'kicked'; readonly order: KickOrder }

/** What one gateway says that has acted on an order. */
export interface OrderAnswer {
  readonly matched: number
  readonly ended: number
  readonly issuers: readonly string[]
}

/** The other gateways. */
export interface Others {
  /**
   * Passes an order on. Never rejects.
   * @param untilMs from when on nobody acts on it any more
   * @param atMs when it was given
   */
  pass(news: OrderNews, untilMs: number, atMs: number): Promise<PassedOn>
  /** Asks all of them the same, and waits no longer. Never rejects. */
  ask<K extends QuestionKind>(kind: K, asked: AskedOf<K>, withinMs: number): Promise<AnsweredBy<K>>
}

export interface PassedOn {
  readonly answers: readonly OrderAnswer[]
  /** Names of those who have not said in time that they acted on it; they do so when they get it. */
  readonly notReached: readonly string[]
}

export interface AnsweredBy<K extends QuestionKind> {
  readonly answers: readonly { readonly replica: string; readonly answer: AnswerTo<K> }[]
  /** Names of those who have not answered in time. */
  readonly notReached: readonly string[]
}
