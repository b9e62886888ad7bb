/**
 * What the next configuration means for each live session. All are judged before it comes into force: thousands take longer
 * than messages may wait. Afterwards each follows by that judgement, or by another one where something has changed since.
 */
import { isUnchanged, type Judged, type Judgement, judgeSession } from '../../sessions/judge.ts'
import type { Occupant } from '../../sessions/place.ts'
import type { JudgedElsewhere } from '../crew/crew.ts'
import type { Generation } from '../generation.ts'
import { inTurns } from './in-turns.ts'
import type { ReloadExample } from './report.ts'

export const EXAMPLE_COUNT = 20

export class Judgements {
  readonly #next: Generation
  readonly #ahead = new Map<Occupant, { readonly judged: Judged; readonly judgement: Judgement }>()

  constructor(next: Generation) {
    this.#next = next
  }

  /** Judges these. Some of them may end meanwhile. */
  async ahead(sessions: Iterable<Occupant>): Promise<JudgedElsewhere> {
    const outcomes = new Outcomes()
    await inTurns([...sessions], (session) => {
      const { judged } = session
      const judgement = this.#judge(judged)
      this.#ahead.set(session, { judged, judgement })
      outcomes.add(session, judgement)
    })
    return outcomes
  }

  /** As it is now. */
  of(session: Occupant): Judgement {
    const { judged } = session
    const ahead = this.#ahead.get(session)
    return ahead !== undefined && isUnchanged(ahead.judged, judged) ? ahead.judgement : this.#judge(judged)
  }

  #judge(judged: Judged): Judgement {
    return judgeSession(judged, this.#next.services.get(judged.service))
  }
}

/** How many there are of each outcome, and some of those that end. */
export class Outcomes implements JudgedElsewhere {
  readonly sessions = { kept: 0, changed: 0, ended: 0 }
  readonly examples: ReloadExample[] = []

  add({ record }: Occupant, judgement: Judgement): void {
    this.sessions[judgement.outcome]++
    if (judgement.outcome !== 'ended' || this.examples.length === EXAMPLE_COUNT) return
    const { id, identity, service } = record
    this.examples.push({ session: id, subject: identity.subject, service, why: judgement.why })
  }
}
