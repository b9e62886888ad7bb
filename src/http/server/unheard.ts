/** Log and metrics of what a listener turned away before it was a request for anybody. */
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import { REFUSALS } from '../refusal.ts'
import { DROPS, type DropSpec } from './drops.ts'
import type { HttpServerEvents } from './http-server.ts'

interface Records {
  readonly metrics: Metrics
  readonly log: Log
}

/** The part of a listener's events that is the same for all of them. */
export function noteUnheard({ metrics, log }: Records): Pick<HttpServerEvents, 'refused' | 'dropped'> {
  return {
    refused: ({ cause, status, detail }, address) => {
      metrics.refused(cause)
      log.write(REFUSALS[cause].log, { cause, address, status, detail })
    },
    dropped: (cause, detail, address) => {
      metrics.dropped(cause)
      const { log: event, level }: DropSpec = DROPS[cause]
      log.write(event, { cause, address, detail }, level)
    },
  }
}
