/**
 * All live sessions of the process: who they belong to, when they end, and the one ticker that all of them hang on.
 *
 * A place is taken before a client is promoted and given back when its session has ended, so that a limit holds against
 * simultaneous upgrades and a revocation also catches a login that is still under way.
 */
import { type Identity, identityKey, identityKeys, sessionKeys } from '../../auth/index.ts'
import type { ClientEnd, Renewal, Session } from '../../proxy/index.ts'
import { authorityEnded, BROKEN, DRAIN, OVERLOAD } from './end-requests.ts'
import { KeyIndex } from './key-index.ts'
import { type Clock, Lifetime, type LifetimeEnd, SYSTEM_CLOCK } from './lifetime.ts'

const TICK_MS = 1_000
/** For sessions with intervals that are too short for the ticks of all. */
const SHORT_TICK_MS = 100
/** How long after the cut a session may still take to report its end. */
const GIVE_UP_MS = 5_000

/** A client end that says how many bytes of a message wait for its end. */
interface HoldingClientEnd extends ClientEnd {
  assemblingBytes(): number
}

/** What the registry is told of a session. */
export interface NewSession {
  readonly session: Session
  readonly client: HoldingClientEnd
  readonly timeoutMs: number
}

/** A session that has begun. Always built from the same keys in the same order: what reads thousands of them is slow otherwise. */
interface Live {
  readonly session: Session
  readonly client: HoldingClientEnd
  readonly lifetime: Lifetime
}

/** A place among the sessions, held from before the promotion until the session has ended. */
export class Place {
  readonly service: string
  /** Replaced by a renewal, always with one of the same issuer and subject. */
  identity: Identity
  /** Why the authority ended, as soon as it has. */
  endedFor: LifetimeEnd | 'revoked' | undefined
  live: Live | undefined
  /** Goes on as this identity, which is the same person, if its rules still lead to the same broker user. */
  goOn: ((identity: Identity) => Promise<Renewal>) | undefined
  /** Until it has been given back. */
  isHeld = true
  /** When its session is to be ticked again. */
  dueMs = 0
  /** It was ended for holding too much; its broker may take seconds to notice. */
  isShed = false
  /** The identity's own, and those of everybody whose authority this one hangs on; a renewal changes none of them. */
  readonly key: string
  readonly keys: readonly string[]

  constructor(identity: Identity, service: string) {
    this.identity = identity
    this.service = service
    this.key = identityKey(identity)
    this.keys = identityKeys(identity)
  }
}

export class Sessions {
  readonly #clock: Clock
  readonly #onTick: () => void
  readonly #byIdentity = new KeyIndex<Place>()
  readonly #byLogin = new KeyIndex<Place>()
  readonly #byId = new Map<string, Place>()
  readonly #refused = new Set<Session>()
  /** Those in which bytes may wait: all others hold none. */
  readonly #busy = new Set<Place>()
  readonly #ticker: NodeJS.Timeout
  /** Those that are due more often than each second; their ticker runs while there are any. */
  readonly #hasty = new Set<Place>()
  #hastyTicker: NodeJS.Timeout | undefined
  #placeCount = 0
  #emptied: (() => void) | undefined

  /** @param onTick called once a second, after the sessions; must not throw */
  constructor(onTick: () => void, clock: Clock = SYSTEM_CLOCK) {
    this.#clock = clock
    this.#onTick = onTick
    this.#ticker = setInterval(() => this.tick(), TICK_MS)
    this.#ticker.unref()
  }

  /** Sessions that have begun and not ended. */
  get count(): number {
    return this.#byId.size
  }

  /** Places taken and not given back: each counts as a socket to a broker, though some never get one. */
  get placeCount(): number {
    return this.#placeCount
  }

  byId(id: string): Place | undefined {
    return this.#byId.get(id)
  }

  /** Takes a place for an identity at a service. */
  take(identity: Identity, service: string): Place {
    const place = new Place(identity, service)
    this.#placeCount++
    this.#byIdentity.add(place.keys, place)
    this.#byLogin.add(sessionKeys(identity), place)
    return place
  }

  /** Whether a place is among the first `most` that its identity has taken at its service and not given back. */
  isWithin(place: Place, most: number): boolean {
    if (this.#byIdentity.count(place.key) <= most) return true
    let before = 0
    for (const other of this.#byIdentity.each(place.key)) {
      if (other === place || before === most) break
      if (other.service === place.service && other.key === place.key) before++
    }
    return before < most
  }

  /** Gives a place back. Called for every place, once its session has ended or when none came of it. */
  release(place: Place): void {
    if (!place.isHeld) return
    place.isHeld = false
    this.#placeCount--
    this.#byIdentity.remove(place.keys, place)
    this.#byLogin.remove(sessionKeys(place.identity), place)
    this.#busy.delete(place)
    this.#hasty.delete(place)
    if (place.live === undefined) return
    place.live.lifetime.stop()
    this.#byId.delete(place.live.session.id)
    if (this.#byId.size === 0) this.#emptied?.()
  }

  /** Watches over a session from here on; ends it at once where its authority has ended in the meantime. */
  start(place: Place, begun: NewSession): void {
    const lifetime = new Lifetime(
      begun.timeoutMs,
      place.identity.expiresAtMs,
      (why) => this.#end(place, why),
      this.#clock,
    )
    const { session, client } = begun
    place.live = { session, client, lifetime }
    this.#byId.set(begun.session.id, place)
    if (place.endedFor === 'revoked') begun.session.end(authorityEnded('access was revoked'))
    else lifetime.tick()
  }

  /** Its broker has opened a session: from here on it knows how often it is to be ticked. */
  opened(place: Place): void {
    this.#tickOne(place, this.#clock.monotonicMs())
  }

  /** Puts a fresh proof of the same person in the place of the old one. */
  renew(place: Place, identity: Identity): void {
    if (!place.isHeld) return
    this.#byLogin.remove(sessionKeys(place.identity), place)
    place.identity = identity
    this.#byLogin.add(sessionKeys(identity), place)
    place.live?.lifetime.renew(identity.expiresAtMs)
    place.dueMs = 0
  }

  /** Ticks a session that is only being refused, until `refusedEnded`. */
  watchRefused(session: Session): void {
    this.#refused.add(session)
  }

  refusedEnded(session: Session): void {
    this.#refused.delete(session)
  }

  /** Ends every session that a person (or one of several who vouched for it) opened, and every login under way. Returns how many sessions. */
  endIdentity(key: string, explanation: string): number {
    return this.#revoke(this.#byIdentity.of(key), explanation)
  }

  /** Ends every session that was opened with one login session (OIDC `sid`, cookie). Returns how many. */
  endSessionKey(sessionKey: string, explanation: string): number {
    return this.#revoke(this.withSessionKey(sessionKey), explanation)
  }

  /** The places of one login session; for renewing them together. */
  withSessionKey(sessionKey: string): readonly Place[] {
    return this.#byLogin.of(sessionKey)
  }

  /** Something passes in a session: it may hold bytes until it has been asked. */
  busy(place: Place): void {
    if (place.isHeld) this.#busy.add(place)
  }

  /** Bytes that wait in the sessions, all together, but for messages of which the end has not arrived. */
  bufferedBytes(): number {
    let all = 0
    for (const place of this.#busy) {
      if (place.live === undefined) continue
      const bytes = place.live.session.bufferedBytes
      if (bytes === 0) this.#busy.delete(place)
      all += bytes
    }
    return all
  }

  /** Ends the session that holds most bytes, if they are `leastBytes`, and drops its socket. Returns its place, if there was one. */
  shedLargest(leastBytes = 0): Place | undefined {
    let largest: Place | undefined
    let most = leastBytes
    for (const place of this.#byId.values()) {
      const held = place.isShed ? -1 : heldBytes(place.live)
      if (held >= most) [largest, most] = [place, held]
    }
    if (largest === undefined) return undefined
    largest.isShed = true
    largest.live?.session.end(OVERLOAD)
    largest.live?.client.terminate()
    return largest
  }

  /**
   * Ends all sessions, evenly over `overMs`, and cuts what is left at twice that. Resolves when none is left,
   * or soon after the cut. Nobody may take a place any more: that is the caller's to see to.
   */
  async drain(overMs: number): Promise<void> {
    const empty = new Promise<void>((resolve) => {
      this.#emptied = resolve
    })
    let giveUp: NodeJS.Timeout | undefined
    const waiting = [...this.#byId.values()]
    const total = waiting.length
    if (total === 0) return
    const startedMs = this.#clock.monotonicMs()
    const stepMs = Math.max(10, Math.min(1_000, overMs / total))
    const step = () => {
      const passed = overMs === 0 ? 1 : (this.#clock.monotonicMs() - startedMs) / overMs
      while (waiting.length > 0 && total - waiting.length < total * passed + 1) waiting.pop()?.live?.session.end(DRAIN)
    }
    const pace = setInterval(step, stepMs)
    const cutMs = Math.max(500, overMs * 2)
    const cut = setTimeout(() => this.cut(), cutMs)
    const late = new Promise<void>((resolve) => {
      giveUp = setTimeout(resolve, cutMs + GIVE_UP_MS)
    })
    step()
    await Promise.race([empty, late])
    clearInterval(pace)
    clearTimeout(cut)
    clearTimeout(giveUp)
  }

  /** Stops the tickers; no session is left by now. */
  close(): void {
    clearInterval(this.#ticker)
    clearInterval(this.#hastyTicker)
  }

  tick(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const session of this.#refused) session.tick(nowMs)
    // A timer may come a little early; who is due in less than half a tick is due. Of the others nothing else is looked
    // at: thousands of sessions do not fit into the processor's caches.
    const soonMs = nowMs + TICK_MS / 2
    for (const place of this.#byId.values()) if (!(place.dueMs > soonMs)) this.#tickOne(place, nowMs)
    this.#onTick()
  }

  #tickHasty(): void {
    const nowMs = this.#clock.monotonicMs()
    const soonMs = nowMs + SHORT_TICK_MS / 2
    for (const place of this.#hasty) if (!(place.dueMs > soonMs)) this.#tickOne(place, nowMs)
    if (this.#hasty.size > 0) return
    clearInterval(this.#hastyTicker)
    this.#hastyTicker = undefined
  }

  #tickOne(place: Place, nowMs: number): void {
    const { live } = place
    if (live === undefined) return
    // What goes wrong in one session ends that one: the others hang on the same ticker.
    try {
      place.dueMs = live.session.tick(nowMs)
    } catch {
      live.session.end(BROKEN)
    }
    live.lifetime.tick()
    if (place.isHeld && place.dueMs - nowMs < TICK_MS) {
      this.#hasty.add(place)
      this.#hastyTicker ??= setInterval(() => this.#tickHasty(), SHORT_TICK_MS).unref()
    } else if (this.#hasty.size > 0) this.#hasty.delete(place)
  }

  #end(place: Place, why: LifetimeEnd): void {
    if (place.endedFor !== undefined) return
    place.endedFor = why
    place.live?.session.end(authorityEnded('credential expired'))
  }

  #revoke(places: readonly Place[], explanation: string): number {
    let sessions = 0
    for (const place of places) {
      place.endedFor ??= 'revoked'
      if (place.live === undefined) continue
      sessions++
      place.live.session.end(authorityEnded(explanation))
    }
    return sessions
  }

  /** Drops every client's socket. */
  cut(): void {
    for (const place of this.#byId.values()) place.live?.client.terminate()
  }
}

/** What waits in memory for one session: both legs, and the message that is being assembled. */
function heldBytes(live: Live | undefined): number {
  return live === undefined ? 0 : live.session.bufferedBytes + live.client.assemblingBytes()
}
