/** One way to abuse a gateway, and how often it is tried. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Target } from '../support/flooder.ts'

/** A gateway to be abused. */
export interface AbuseTarget extends Target {
  /** Its listener with TLS, as `wss://host:port`. */
  readonly secureUrl: string
}

export interface Abuse {
  /** For the report. */
  readonly does: string
  /** What memory may grow by meanwhile, where it is less than for others. */
  readonly growthMib?: number
  /** The broker behind it stops taking anything as soon as the abuser says so. */
  readonly path?: '/stalled'
  /** Goes on until the deadline, by `performance.now()`. `ready`: what has to be there first is there. */
  run(target: AbuseTarget, untilMs: number, ready: () => void): Promise<void>
}

const PAUSE_MS = 100

/** So many abusers at once, each beginning anew when it was thrown out, until the deadline. */
export async function again(many: number, untilMs: number, once: (id: number) => Promise<void>): Promise<void> {
  const abusers = Array.from({ length: many }, async (_, id) => {
    while (performance.now() < untilMs) {
      // Being refused is what it came for.
      await once(id).catch(() => pause(PAUSE_MS))
    }
  })
  await Promise.all(abusers)
}
