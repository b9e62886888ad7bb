/**
 * What the next configuration means for each live session. One judgement costs as much as a few messages, and there are
 * thousands: they are made ahead, a few in each turn of the event loop. Whatever changes until the exchange is judged anew there.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Judgement } from '../../sessions/judge.ts'
import type { Occupant } from '../../sessions/place.ts'
import type { JudgedElsewhere } from '../crew/crew.ts'
import type { Generation } from '../generation.ts'
import type { ReloadExample } from './report.ts'

export interface JudgedSession {
  readonly session: Occupant
  readonly judgement: Judgement
}

/** What one turn may take: sessions that are not concerned wait for it. */
const SLICE_MS = 5
export const EXAMPLE_COUNT = 20

export class Judgements {
  readonly #next: Generation
  readonly #ahead = new Map<Occupant, { readonly revision: number; readonly judgement: Judgement }>()

  constructor(next: Generation) {
    this.#next = next
  }

  /** Judges these, in as many turns as it takes. Some of them may end meanwhile: nobody asks for those any more. */
  async ahead(sessions: Iterable<Occupant>): Promise<void> {
    let sinceMs = Number.NEGATIVE_INFINITY
    for (const session of [...sessions]) {
      if (performance.now() - sinceMs >= SLICE_MS) {
        await nextTurn()
        sinceMs = performance.now()
      }
      this.#ahead.set(session, { revision: session.revision, judgement: this.#judge(session) })
    }
    // The exchange has a turn of its own.
    await nextTurn()
  }

  /** All of these, as they are now. */
  now(sessions: Iterable<Occupant>): readonly JudgedSession[] {
    return Array.from(sessions, (session) => {
      const ahead = this.#ahead.get(session)
      const judgement = ahead?.revision === session.revision ? ahead.judgement : this.#judge(session)
      return { session, judgement }
    })
  }

  #judge(session: Occupant): Judgement {
    return session.judge(this.#next.services.get(session.record.service))
  }
}

/** @returns how many there are of each outcome, and some of those that end */
export function summaryOf(judged: readonly JudgedSession[]): JudgedElsewhere {
  const sessions = { kept: 0, changed: 0, ended: 0 }
  const examples: ReloadExample[] = []
  for (const { session, judgement } of judged) {
    sessions[judgement.outcome]++
    if (judgement.outcome !== 'ended' || examples.length === EXAMPLE_COUNT) continue
    const { id, identity, service } = session.record
    examples.push({ session: id, subject: identity.subject, service, why: judgement.why })
  }
  return { sessions, examples }
}
