/** The gateways of one `state`, as one of them reaches the others: through the store. */
import type { AnsweredBy, OrderAnswer, Others } from '../../admin/replicas/others.ts'
import type { Question, QuestionKind } from '../../admin/replicas/questions.ts'
import type { SharedStore } from '../../state/open.ts'

/** Whoever has not answered by then is named. */
const ANSWER_MS = 1_000

/** Passes orders on, and asks. Whoever replies has the same key, and speaks the truth. */
export function othersOf({ news, questions }: SharedStore): Others {
  return {
    async pass(order, untilMs, atMs) {
      const { answers, notReached } = await news.publish(order, { untilMs, atMs, withinMs: ANSWER_MS })
      return { answers: answers.map(({ answer }) => answer as OrderAnswer), notReached }
    },
    async ask<K extends QuestionKind>(kind: K, asked: Question<K>['asked'], withinMs: number) {
      const question: Question<K> = { kind, asked }
      return (await questions.ask(question, withinMs)) as AnsweredBy<K>
    },
  }
}
