/**
 * Tells a client no: by HTTP instead of the 101, or after a 101 in AMQP, which is all that a page can read. Sockets that
 * are refused in band are few, small and short; when there are enough of them, HTTP has to do.
 */
import { type InBandRefusal, NO_BROKER, refuseInBand, type SessionLimits } from '../../proxy/index.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { Traffic } from '../ops/traffic.ts'
import type { Sessions } from '../sessions/registry.ts'
import { WebSocketClientEnd } from '../websocket/client-end.ts'
import { WebSocketDoor } from '../websocket/door.ts'
import type { Admission } from './admission.ts'
import { answerRaw } from './raw-answer.ts'
import { answerTo, isToldInBand, REFUSALS, type Refusal, type RefusalSpec, toldText } from './refusal.ts'
import type { Attempt } from './upgrade.ts'

/** A client that is being refused has to say little, in little time. */
const LIMITS: SessionLimits = {
  handshakeMs: 5_000,
  preOpenFrameBytes: 16 * 1024,
  frameMaxBytes: 128 * 1024,
  channelMax: 2047,
  heartbeatSeconds: 60,
  messageBytes: 16 * 1024,
  buffer: { highBytes: 64 * 1024, lowBytes: 32 * 1024 },
  pingMs: 25_000,
}

export interface RefuserDependencies {
  readonly admission: Admission
  readonly sessions: Sessions
  readonly metrics: Metrics
  readonly log: Log
  readonly traffic: Traffic
}

export class Refuser {
  readonly #of: RefuserDependencies
  readonly #door = new WebSocketDoor(0)

  constructor(dependencies: RefuserDependencies) {
    this.#of = dependencies
  }

  refuse(attempt: Attempt, refusal: Refusal): void {
    const { service, origin, socket } = attempt
    if (socket.destroyed) return
    const spec: RefusalSpec = REFUSALS[refusal.cause]
    const wanted = isToldInBand(refusal.cause, service.refusal, origin !== undefined)
    const leave = wanted ? this.#of.admission.enterRefused(attempt.hop.address) : undefined
    this.#record(attempt, refusal, leave === undefined ? spec.status : 101)
    if (leave === undefined || spec.inBand === undefined) {
      answerRaw(socket, answerTo(refusal, service.development))
      return
    }
    socket.once('close', leave)
    const explanation = toldText(refusal, spec.inBand.explanation, service.development)
    this.#inBand(attempt, { ...spec.inBand, explanation })
  }

  #record({ id, service, origin, hop }: Attempt, { cause, detail, allow, identity }: Refusal, status: number): void {
    const { subject = '', issuer = '' } = identity ?? {}
    const { address } = hop
    service.audit.write({
      event: 'session.refused',
      session: id,
      subject,
      issuer,
      address,
      user: '',
      vhost: '',
      cause,
      detail,
    })
    this.#of.metrics.refused(cause)
    const { log }: RefusalSpec = REFUSALS[cause]
    this.#of.log.write(log, {
      cause,
      service: service.path,
      address: hop.address,
      origin,
      subject: identity?.subject,
      issuer: identity?.issuer,
      authenticator: identity?.authenticator,
      detail,
      allow,
      status,
    })
  }

  #inBand(attempt: Attempt, refusal: InBandRefusal): void {
    const { request, socket, head, subprotocol, id, hop } = attempt
    const webSocket = this.#door.accept({ request, socket, head, subprotocol, headers: {} })
    if (webSocket === undefined) return
    const client = new WebSocketClientEnd(webSocket, socket, this.#of.traffic)
    const session = refuseInBand(
      {
        id,
        client,
        identity: { subject: '', issuer: '', address: hop.address },
        credential: { username: '', mechanisms: [], response: () => Buffer.alloc(0) },
        vhosts: { allowed: [] },
        dialler: NO_BROKER,
        limits: LIMITS,
        filters: [],
        observer: { ended: () => this.#of.sessions.refusedEnded(session) },
      },
      refusal,
    )
    this.#of.sessions.watchRefused(session)
    client.attach(session)
  }
}
