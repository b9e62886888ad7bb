/** Begins the session of a client that was admitted: the 101, the WebSocket's end, and the AMQP session behind it. */
import {
  BROKER_AWAY,
  BROKER_SAYS_NO,
  type BrokerFailure,
  type InBandRefusal,
  openSession,
  otherUserId,
  refuseInBand,
  type SessionOptions,
} from '../../proxy/index.ts'
import type { Traffic } from '../ops/traffic.ts'
import { LiveSession } from '../sessions/live-session.ts'
import type { SessionSurroundings } from '../sessions/new-session.ts'
import { WebSocketClientEnd } from '../websocket/client-end.ts'
import type { ServingSource } from './serving.ts'
import type { Admitted, Attempt } from './upgrade.ts'

export interface BeginDependencies extends SessionSurroundings {
  readonly traffic: Traffic
  readonly serving: ServingSource
}

/** Sends the 101 and opens the session, or gives the place back where the client is gone. */
export function begin(attempt: Attempt, admitted: Admitted, dependencies: BeginDependencies): void {
  const { request, socket, head, subprotocol, service, hop, id, startedAtMs: startedMs } = attempt
  const { identity, promoted, place } = admitted
  const { sessions, metrics, traffic, serving } = dependencies
  const webSocket = service.door.accept({ request, socket, head, subprotocol, headers: admitted.responseHeaders })
  if (webSocket === undefined) {
    sessions.release(place)
    return
  }
  const client = new WebSocketClientEnd(webSocket, socket, traffic)
  const pinned = 'pinned' in promoted.vhosts ? promoted.vhosts.pinned : undefined
  const { credential } = promoted
  const forOthers = otherUserId(promoted.filters, credential.username) !== undefined
  const trial = service.holdOffs.try({ credential, forOthers, vhost: pinned })
  const { address } = hop
  const { handshakeDone, origin } = attempt
  const live = new LiveSession(
    { id, service, place, promoted, address, origin, startedMs, client, trial, handshakeDone },
    dependencies,
    (observer) => {
      const options: SessionOptions = {
        id,
        client,
        identity: { subject: identity.subject, issuer: identity.issuer, address },
        credential,
        vhosts: promoted.vhosts,
        dialler: service.nodes,
        limits: { ...promoted.limits, handshakeMs: Math.max(1, service.handshakeMs - (performance.now() - startedMs)) },
        filters: promoted.filters,
        observer,
        renew: (secret) => observer.renew(secret),
      }
      return typeof trial === 'string' ? refuseInBand(options, heldOff(trial)) : openSession(options)
    },
  )
  metrics.sessionStarted(service.path)
  sessions.start(place, live)
  live.attach()
  // A reload may have judged all live sessions while this one was being admitted.
  const present = serving.current.services.get(service.path)
  if (present !== service) live.follow(present)
}

/** What the client reads where the broker has refused the same credential a moment ago. */
function heldOff(failure: BrokerFailure): InBandRefusal {
  const words = failure === 'tls' ? BROKER_AWAY : BROKER_SAYS_NO
  return { ...words, detail: 'not tried: the broker has just said no to this credential' }
}
