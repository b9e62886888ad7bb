/** How a request to `/auth/*` is refused: an answer by HTTP status, and a line in log and metrics. */
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import { answerTo, REFUSALS, type Refusal } from '../refusal.ts'
import type { AuthAnswer, Exchange } from './request.ts'

export interface RefusalNotes {
  readonly metrics: Metrics
  readonly log: Log
}

/** The answer to a refusal, noted in log and metrics. */
export function answerRefusal(
  { hop, service, origin }: Pick<Exchange, 'hop' | 'service' | 'origin'>,
  refusal: Refusal,
  { metrics, log }: RefusalNotes,
): AuthAnswer {
  const { status, text, headers } = answerTo(refusal, service?.development)
  const { cause, detail, allow, identity } = refusal
  metrics.refused(cause)
  const who = { subject: identity?.subject, issuer: identity?.issuer }
  const line = { cause, service: service?.path, address: hop.address, origin, ...who, detail, allow, status }
  log.write(REFUSALS[cause].log, line)
  return { status, body: { error: text }, headers }
}
