/** The workers, as whoever manages the gateway reaches them: each is asked, and whoever does not answer in time is named. */
import type { AnsweredBy, Others } from '../../admin/replicas/others.ts'
import type { AnswerTo, AskedOf, Question, QuestionKind } from '../../admin/replicas/questions.ts'
import type { WorkerProcess } from './worker-process.ts'
import type { Workers } from './workers.ts'

const ORDER_MS = 1_000

export function othersIn(workers: Pick<Workers, 'serving'>): Others {
  const all = async <T>(ask: (worker: WorkerProcess) => Promise<T>) => {
    const asked = workers.serving.map(async (worker) => {
      const name = `worker ${worker.number}`
      return await ask(worker).then(
        (answer) => ({ name, answer }),
        // One that is gone has no sessions any more.
        () => ({ name: worker.isServing ? name : undefined, answer: undefined }),
      )
    })
    const said = await Promise.all(asked)
    return {
      answers: said.flatMap(({ name, answer }) =>
        name === undefined || answer === undefined || answer === null ? [] : [{ replica: name, answer }],
      ),
      notReached: said.flatMap(({ name, answer }) => (name !== undefined && answer === undefined ? [name] : [])),
    }
  }
  return {
    async pass(news, _untilMs, atMs) {
      const { answers, notReached } = await all(
        async ({ channel }) => await channel.ask('news', { news, atMs }, ORDER_MS),
      )
      return { answers: answers.map(({ answer }) => answer), notReached }
    },
    async ask<K extends QuestionKind>(kind: K, asked: AskedOf<K>, withinMs: number): Promise<AnsweredBy<K>> {
      const question: Question<K> = { kind, asked }
      return await all(async ({ channel }) => (await channel.ask('question', question, withinMs)) as AnswerTo<K>)
    },
  }
}
