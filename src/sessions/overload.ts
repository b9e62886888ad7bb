/**
 * What is done when the process has too much to hold: the session that holds most is ended, and then the next one. New
 * sessions are refused before that, which is the upgrade's business.
 */

import type { Log } from '../ops/log.ts'
import type { Pressure } from '../ops/pressure.ts'
import type { SessionRecord } from './record.ts'

/** With less waiting for it a session is no reason for a full heap, and ending it is no cure. */
const WORTH_BYTES = 64 * 1024

/** The session that was ended. */
interface Shed {
  readonly record: Pick<SessionRecord, 'id' | 'service' | 'identity'>
}

export interface OverloadParts {
  readonly sessions: { shedLargest(leastBytes?: number): Shed | undefined }
  /** What waits in all sessions together. */
  heldBytes(): number
  readonly pressure: Pick<Pressure, 'tick' | 'heapIsSpent'>
  readonly log: Pick<Log, 'write'>
  /** What may wait in all sessions together. */
  readonly boundBytes: number
}

export class Overload {
  readonly #parts: OverloadParts

  constructor(parts: OverloadParts) {
    this.#parts = parts
  }

  /** Looks at what is held, and how full the heap is; called once a second. Ends one session at most. */
  tick(): void {
    const { pressure, boundBytes } = this.#parts
    pressure.tick()
    if (this.#parts.heldBytes() > boundBytes) this.shed()
    else if (pressure.heapIsSpent) this.shed(WORTH_BYTES)
  }

  /** Ends the session that holds most, if that is at least so much. */
  shed(leastBytes = 0): void {
    const shed = this.#parts.sessions.shedLargest(leastBytes)
    if (shed === undefined) return
    const { id, service, identity } = shed.record
    const { subject, issuer } = identity
    this.#parts.log.write('overload-shed', { session: id, service, subject, issuer })
  }
}
