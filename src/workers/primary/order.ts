/**
 * What the primary has all of its workers do: a reload, a kick, a block. A worker that goes on without it lets in whom the
 * others refuse, and so it must not go on.
 */
import type { LineQuestions } from '../messages.ts'
import type { ProcessLine } from '../process-line.ts'

/** Nothing that a worker does by itself takes as long. */
export const SILENT_MS = 30_000

/** A worker, as it takes orders. */
export interface Ordered {
  readonly channel: Pick<ProcessLine, 'ask'>
  /** Whether it has sessions. */
  readonly isServing: boolean
  /** @param why for the log */
  kill(why: string): void
}

/** Has it done. A worker that fails, or says nothing for 30 s, is killed; another one takes its place. */
export async function order<Q extends 'apply' | 'news'>(
  worker: Ordered,
  what: Q,
  body: LineQuestions[Q]['ask'],
): Promise<void> {
  try {
    await worker.channel.ask(what, body, SILENT_MS)
  } catch (error) {
    // Whoever does not serve yet begins with what is in force, or is not going to.
    if (worker.isServing) worker.kill(`killed, since it did not follow (${what}): ${messageOf(error)}`)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown failure'
}
