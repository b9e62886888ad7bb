/** What a live session is made of. */
import type { BrokerFailure } from '../../proxy/index.ts'
import type { Trial } from '../brokers/hold-offs.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { PromotedTerms, Service } from '../services/service.ts'
import type { WebSocketClientEnd } from '../websocket/client-end.ts'
import type { EntitledSessions } from './entitled-sessions.ts'
import type { Place } from './place.ts'
import type { Sessions } from './registry.ts'

/** What a session is begun with. */
export interface NewSession {
  readonly id: string
  readonly service: Service
  readonly place: Place
  readonly promoted: PromotedTerms
  /** The client's address, after trusted proxies. */
  readonly address: string
  /** Of the page that asks for it; absent where it is no browser. */
  readonly origin: string | undefined
  /** Of the upgrade request, on the clock of `performance.now()`. */
  readonly startedMs: number
  readonly client: WebSocketClientEnd
  /** Leave to try the broker; or what the broker has said no to a moment ago: the client is only told so. */
  readonly trial: Trial | BrokerFailure
  /** Gives back the place among the unfinished handshakes. */
  handshakeDone(): void
}

/** What all live sessions share. */
export interface SessionSurroundings {
  readonly sessions: Sessions
  readonly entitled: EntitledSessions
  readonly metrics: Metrics
  readonly log: Log
}
