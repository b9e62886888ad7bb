/**
 * From an upgrade request to a person with a place: path, Origin, limits, who it is, what it may, what the broker will be
 * shown. Only then the 101; everything within the service's handshake deadline, and nothing of the client's own bytes
 * looked at. What is refused on the way is told by `refuser.ts`.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  EntitlementRefused,
  EntitlementUnavailable,
  type Identity,
  leftOutDetail,
  leftOutText,
  NO_CREDENTIAL,
  PromotionRefused,
} from '../../auth/index.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { Pressure } from '../ops/pressure.ts'
import type { PromotedTerms, Service } from '../services/service.ts'
import type { Bars } from '../sessions/bars.ts'
import { isTakenBy } from '../sessions/judge.ts'
import type { Place } from '../sessions/place.ts'
import type { Sessions } from '../sessions/registry.ts'
import { chooseSubprotocol, type Subprotocol } from '../websocket/subprotocol.ts'
import { Turn } from '../websocket/turn.ts'
import type { Admission } from './admission.ts'
import { addressLine, originLine, rolesLine, ruleLine } from './allow-line.ts'
import type { TicketCookies } from './auth/ticket-cookies.ts'
import { barredBy } from './barred.ts'
import { checkUpgradeHead, pathOf } from './head.ts'
import type { Hop } from './hop.ts'
import { prove } from './proof.ts'
import { answerRaw, type RawAnswer } from './raw-answer.ts'
import { isRefusal, type Refusal } from './refusal.ts'
import type { ServingSource } from './serving.ts'

/** For each authenticator, where the handshake's deadline leaves more. */
const LONGEST_PROOF_MS = 5_000

/** One upgrade request that names a service and is well formed. */
export interface Attempt {
  /** The session's id, if it comes to one. */
  readonly id: string
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly hop: Hop
  readonly service: Service
  readonly origin: string | undefined
  readonly subprotocol: Subprotocol
  readonly startedAtMs: number
  /** Gives back the place among the unfinished handshakes. */
  handshakeDone(): void
}

/** Who comes in, as what. */
export interface Admitted {
  readonly identity: Identity
  readonly promoted: PromotedTerms
  readonly place: Place
  readonly responseHeaders: Readonly<Record<string, string>>
}

/** Sessions of one identity, counted over several gateways. */
export interface SessionLeases {
  /**
   * @param isWithin whether so many are enough for what this gateway alone has, where it has to decide by itself
   * @returns what gives it back; undefined where there is none left
   */
  take(
    owner: Pick<Place, 'service' | 'key'>,
    most: number,
    isWithin: (most: number) => boolean,
  ): Promise<(() => void) | undefined>
}

export interface UpgradeDependencies {
  readonly serving: ServingSource
  readonly admission: Admission
  readonly sessions: Sessions
  readonly bars: Bars
  readonly ticketCookies: TicketCookies
  readonly pressure: Pressure
  /** Counts sessions over all gateways that share their state; undefined where there is one. */
  readonly leases: SessionLeases | undefined
  readonly metrics: Metrics
  readonly log: Log
  isDraining(): boolean
  /** Tells the client no, in the way that service and client want it. */
  refuse(attempt: Attempt, refusal: Refusal): void
  /** Sends the 101 and begins the session. */
  begin(attempt: Attempt, admitted: Admitted): void
}

export class Upgrades {
  readonly #of: UpgradeDependencies

  constructor(dependencies: UpgradeDependencies) {
    this.#of = dependencies
  }

  /** Takes the request over; the socket has an 'error' listener already. Resolves when it is decided, and never rejects. */
  async handle(request: IncomingMessage, socket: Duplex, head: Buffer, hop: Hop): Promise<void> {
    const attempt = this.#read(request, socket, head, hop)
    if (attempt === undefined) return
    try {
      await this.#decide(attempt)
    } catch (error) {
      this.#of.log.write('internal-error', { service: attempt.service.path, detail: String(error) })
      answerRaw(socket, { status: 500, text: 'internal error' })
    }
  }

  /** What needs no service yet. Answers by HTTP itself and returns nothing where that fails. */
  #read(request: IncomingMessage, socket: Duplex, head: Buffer, hop: Hop): Attempt | undefined {
    const { services, basePath, identityHeaders } = this.#of.serving.current
    const problem = checkUpgradeHead(request, identityHeaders)
    if (problem !== undefined) {
      const { status, detail: text, headers = {} } = problem
      return this.#turnAway(socket, hop, 'bad-request', { status, text, headers })
    }
    const path = pathOf(request.url)
    const within = basePath.within(path)
    const service = within === undefined ? undefined : services.get(within)
    if (service === undefined) {
      const text = `no service here${basePath.advice(path)}`
      return this.#turnAway(socket, hop, 'unknown-path', { status: 404, text })
    }
    const subprotocol = chooseSubprotocol(request.headers['sec-websocket-protocol'])
    if (!subprotocol.accepted)
      return this.#turnAway(socket, hop, 'bad-request', { status: 400, text: subprotocol.detail })
    const { origin } = request.headers
    const startedAtMs = performance.now()
    return {
      id: sessionId(),
      request,
      socket,
      head,
      hop,
      service,
      origin,
      subprotocol,
      startedAtMs,
      handshakeDone: () => {},
    }
  }

  #turnAway(socket: Duplex, { address }: Hop, cause: 'bad-request' | 'unknown-path', answer: RawAnswer): undefined {
    this.#of.metrics.refused(cause)
    this.#of.log.write('request-refused', { cause, address, status: answer.status, detail: answer.text })
    answerRaw(socket, answer)
    return undefined
  }

  async #decide(attempt: Attempt): Promise<void> {
    const refusal = this.#atTheDoor(attempt)
    if (refusal !== undefined) {
      this.#of.refuse(attempt, refusal)
      return
    }
    const leave = this.#of.admission.enter(attempt.hop.address, attempt.service.handshakesPerAddress)
    if (leave === undefined) {
      this.#of.refuse(attempt, {
        cause: 'too-many-handshakes',
        detail: `${attempt.service.handshakesPerAddress} handshakes of this address are unfinished`,
      })
      return
    }
    const { socket } = attempt
    socket.once('close', leave)
    const handshakeDone = () => {
      socket.off('close', leave)
      leave()
    }
    const entered = { ...attempt, handshakeDone }
    // Hundreds may come at once, and each costs as much as many messages of others.
    await Turn.current.wait()
    if (socket.destroyed) return
    const admitted = await this.#admit(entered)
    // Many may have waited for the same keys; that some of them have gone meanwhile is read in the same turn, perhaps later.
    await nextTurn()
    if (isRefusal(admitted)) return this.#of.refuse(entered, admitted)
    // Asked at the last moment: somebody may have been blocked while the login was under way.
    const barred = barredBy(this.#of.bars, admitted.identity)
    if (barred === undefined && !socket.destroyed) {
      this.#sayLeftOut(entered, admitted.identity)
      return this.#begin(entered, admitted)
    }
    this.#of.sessions.release(admitted.place)
    if (barred !== undefined) this.#of.refuse(entered, barred)
  }

  /** Somebody may be admitted as less than they are, and a refusal says it by itself. */
  #sayLeftOut({ id, service, hop }: Attempt, { claims, subject, issuer, authenticator }: Identity): void {
    const detail = leftOutDetail(claims)
    if (detail === undefined) return
    const { address } = hop
    this.#of.log.write('claims-left-out', {
      session: id,
      service: service.path,
      subject,
      issuer,
      authenticator,
      address,
      detail,
    })
  }

  /** A session that cannot even begin must leave nothing behind. */
  #begin(attempt: Attempt, admitted: Admitted): void {
    try {
      this.#of.begin(attempt, admitted)
    } catch (error) {
      this.#of.sessions.release(admitted.place)
      attempt.socket.destroy()
      this.#of.log.write('internal-error', { service: attempt.service.path, detail: String(error) })
    }
  }

  /** What is decided without knowing who it is. */
  #atTheDoor({ service, origin, hop }: Attempt): Refusal | undefined {
    if (origin !== undefined && !service.origins.allows(origin)) {
      return { cause: 'origin-not-allowed', detail: 'the service does not list this origin', allow: originLine(origin) }
    }
    if (this.#of.isDraining()) return { cause: 'draining', detail: 'the gateway is draining' }
    const shortage = this.#of.pressure.shortage()
    if (shortage !== undefined) return { cause: 'overloaded', detail: shortage }
    if (!service.addresses.allows(hop.address)) {
      return {
        cause: 'address-not-allowed',
        detail: 'require.addresses leaves it out',
        allow: addressLine(hop.address),
      }
    }
    return undefined
  }

  async #admit(attempt: Attempt): Promise<Admitted | Refusal> {
    const { service, origin, hop, request } = attempt
    const { address, peerAddress, isSecure } = hop
    const asked = { http: request, service: service.path, origin, address, peerAddress, isSecure }
    const proven = await prove(service.requirement, asked, this.#of.metrics, {
      deadlineMs: Math.min(LONGEST_PROOF_MS, leftMs(attempt)),
    })
    const holder = { service: service.path, origin, address }
    if (isRefusal(proven)) {
      if (proven.detail !== NO_CREDENTIAL) return proven
      const missing = this.#of.ticketCookies.missing(holder)
      return missing === undefined ? proven : { ...proven, detail: `${proven.detail}: ${missing}` }
    }
    this.#of.ticketCookies.cameBack(holder)
    const { identity, responseHeaders } = proven
    const unfit = barredBy(this.#of.bars, identity) ?? this.#mayUse(attempt, identity)
    if (unfit !== undefined) return unfit
    return await this.#promote(attempt, identity, responseHeaders)
  }

  #mayUse({ service }: Attempt, identity: Identity): Refusal | undefined {
    // A ticket may be older than the configuration.
    if (!isTakenBy(service.requirement, identity)) {
      const detail = `the service does not take authenticator ${identity.authenticator}`
      return { cause: 'unauthenticated', detail, identity }
    }
    const missing = service.roles.filter((role) => !identity.roles.includes(role))
    if (missing.length === 0) return undefined
    return {
      cause: 'lacking-role',
      detail: `lacks ${missing.map((role) => `"${role}"`).join(' and ')}${leftOutText(identity.claims)}`,
      allow: rolesLine(service.roles, identity.roles),
      identity,
    }
  }

  /** The place is taken first: a revocation while the secret is being read finds it. */
  async #promote(
    attempt: Attempt,
    identity: Identity,
    responseHeaders: Admitted['responseHeaders'],
  ): Promise<Admitted | Refusal> {
    const { service, hop, id } = attempt
    // Hundreds may have passed the door while nobody had a place yet, and the heap may have filled meanwhile.
    const shortage = this.#of.pressure.shortage()
    if (shortage !== undefined) return { cause: 'overloaded', detail: shortage, identity }
    const place = this.#of.sessions.take(identity, service.path)
    const context = { sessionId: id, address: hop.address, deadlineMs: leftMs(attempt) }
    let promoted: PromotedTerms
    try {
      promoted = await service.promote(identity, context)
    } catch (error) {
      this.#of.sessions.release(place)
      return notPromoted(error, identity)
    }
    const outcome = await this.#withinLimits({ identity, promoted, place, responseHeaders })
    if (isRefusal(outcome)) this.#of.sessions.release(place)
    return outcome
  }

  async #withinLimits(admitted: Admitted): Promise<Admitted | Refusal> {
    const { identity, place, promoted } = admitted
    if (place.endedFor !== undefined)
      return { cause: 'unauthenticated', detail: 'the authority ended during the login', identity }
    if (await this.#hasRoom(place, promoted.sessionsPerIdentity)) return admitted
    const detail = `${promoted.sessionsPerIdentity} sessions of this identity are open`
    return { cause: 'too-many-sessions', detail, identity }
  }

  /** At this gateway, and at all that share their state with it. */
  async #hasRoom(place: Place, most: number): Promise<boolean> {
    const { sessions, leases } = this.#of
    if (!sessions.isWithin(place, most)) return false
    if (leases === undefined) return true
    const giveBack = await leases.take(place, most, (part) => sessions.isWithin(place, part))
    if (giveBack === undefined) return false
    place.onRelease(giveBack)
    return true
  }
}

/** In one piece: as Node makes it, it is a tree of twenty, more than half a KiB for as long as the session lives. */
function sessionId(): string {
  return Buffer.from(randomUUID(), 'latin1').toString('latin1')
}

/** Of the handshake's time. */
function leftMs({ service, startedAtMs }: Attempt): number {
  return Math.max(1, service.handshakeMs - (performance.now() - startedAtMs))
}

function notPromoted(error: unknown, identity: Identity): Refusal {
  if (error instanceof PromotionRefused && error.code === 'rule-refused')
    return { cause: 'rule-refused', detail: error.message, text: error.forClient, identity }
  if (error instanceof EntitlementRefused)
    return { cause: 'entitlement-refused', detail: error.message, text: error.forClient, identity }
  if (error instanceof EntitlementUnavailable)
    return { cause: 'entitlement-unavailable', detail: error.message, identity }
  if (error instanceof PromotionRefused && error.code !== 'secret-unavailable') {
    return { cause: 'no-promotion-rule', detail: error.message, allow: ruleLine(identity.subject), identity }
  }
  return {
    cause: 'credential-unavailable',
    detail: error instanceof Error ? error.message : 'unknown failure',
    identity,
  }
}
