/**
 * All live sessions of the process: who they belong to, what they hold, and how many of them are ended together. One
 * ticker drives them.
 */
import { type Identity, sessionKeys } from '../../auth/index.ts'
import type { EndRequest, Session } from '../../proxy/index.ts'
import { BROKEN, OVERLOAD } from './end-requests.ts'
import { KeyIndex } from './key-index.ts'
import { type Clock, SYSTEM_CLOCK } from './lifetime.ts'
import { type Occupant, Place } from './place.ts'
import { TICK_MS } from './ticker.ts'

/** For sessions with intervals that are too short for the ticks of all. */
const SHORT_TICK_MS = 100

/** In a turn so many sessions are looked at, or more where there were more turns in a second. */
const LOOKED_AT_ONCE = 256
const TURN_MS = 20
const TURNS_MOST = 45

/** A session that is ended with others. */
export type Leaving = Pick<Occupant, 'end' | 'endAtQuietPoint'>

/** How sessions are ended together. */
export interface Pace {
  /** Evenly over so long; 0: all at once. */
  readonly overMs: number
  /** How long each may take to come to a quiet point, once its turn has come; absent: it ends wherever it is. */
  readonly quietMs?: number | undefined
}

export class Sessions {
  readonly #clock: Clock
  readonly #byIdentity = new KeyIndex<Place>()
  readonly #byLogin = new KeyIndex<Place>()
  readonly #byId = new Map<string, Place>()
  readonly #refused = new Set<Session>()
  /** Those in which bytes may wait: all others hold none. */
  readonly #busy = new Set<Place>()
  /** Those that are due more often than each second; their ticker runs while there are any. */
  readonly #hasty = new Set<Place>()
  #hastyTicker: NodeJS.Timeout | undefined
  /** Those that have not been looked at in this second, and the turns in which they are. */
  #round: Iterator<Place, undefined> | undefined
  #turns: NodeJS.Timeout | undefined
  #placeCount = 0
  /** Wait until there is none. */
  readonly #emptied: (() => void)[] = []

  constructor(clock: Clock = SYSTEM_CLOCK) {
    this.#clock = clock
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

  /** Those that have begun and not ended, the oldest first. No copy is made: sessions may end meanwhile. */
  *each(): IterableIterator<Occupant> {
    for (const { session } of this.#byId.values()) if (session !== undefined) yield session
  }

  /** The same, the youngest first. Only this list is copied; who is not reached is not looked at. */
  *youngestFirst(): IterableIterator<Occupant> {
    const places = [...this.#byId.values()]
    for (let place = places.pop(); place !== undefined; place = places.pop())
      if (place.session !== undefined) yield place.session
  }

  /** Those of one person (`identityKey`), and those that others opened whom this person vouched for. No copy is made. */
  *ofIdentity(key: string): IterableIterator<Occupant> {
    for (const { session } of this.#byIdentity.each(key)) if (session !== undefined) yield session
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
    if (!place.release()) return
    this.#placeCount--
    this.#byIdentity.remove(place.keys, place)
    this.#byLogin.remove(sessionKeys(place.identity), place)
    this.#busy.delete(place)
    this.#hasty.delete(place)
    if (place.session === undefined) return
    this.#byId.delete(place.session.id)
    if (this.#byId.size === 0) for (const emptied of this.#emptied.splice(0)) emptied()
  }

  /** Watches over a session from here on; ends it at once where its authority has ended in the meantime. */
  start(place: Place, session: Occupant): void {
    this.#byId.set(session.id, place)
    place.occupy(session)
  }

  /** Its broker has opened a session: from here on it knows how often it is to be ticked. */
  opened(place: Place): void {
    this.#tickOne(place, this.#clock.monotonicMs())
  }

  /** Puts a fresh proof of the same person in the place of the old one. */
  renew(place: Place, identity: Identity): void {
    if (!place.isHeld) return
    this.#byLogin.remove(sessionKeys(place.identity), place)
    this.#byLogin.add(sessionKeys(identity), place)
    place.renew(identity)
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
    return revoke(this.#byIdentity.of(key), explanation)
  }

  /** Ends every session that was opened with one login session (OIDC `sid`, cookie). Returns how many. */
  endSessionKey(sessionKey: string, explanation: string): number {
    return revoke(this.withSessionKey(sessionKey), explanation)
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
      if (place.session === undefined) continue
      const bytes = place.session.bufferedBytes
      if (bytes === 0) this.#busy.delete(place)
      all += bytes
    }
    return all
  }

  /** Ends the session that holds most bytes, if they are `leastBytes`, and drops its socket. Returns it, if there was one. */
  shedLargest(leastBytes = 0): Occupant | undefined {
    let largest: Place | undefined
    let most = leastBytes
    for (const place of this.#byId.values()) {
      const held = place.isShed ? -1 : heldBytes(place.session)
      if (held >= most) [largest, most] = [place, held]
    }
    largest?.shed(OVERLOAD)
    return largest?.session
  }

  /** Resolves when there is none, whoever ended the last. */
  async emptied(): Promise<void> {
    if (this.#byId.size === 0) return
    await new Promise<void>((resolve) => {
      this.#emptied.push(resolve)
    })
  }

  /** Ends the chosen sessions. @returns stops ending those whose turn has not come */
  endEvenly(chosen: Iterable<Leaving>, request: EndRequest, { overMs, quietMs }: Pace): () => void {
    const end = (one: Leaving | undefined): void =>
      quietMs === undefined ? one?.end(request) : one?.endAtQuietPoint(request, quietMs)
    const waiting = [...chosen]
    const total = waiting.length
    const startedMs = this.#clock.monotonicMs()
    let pace: NodeJS.Timeout | undefined
    const stop = (): void => clearInterval(pace)
    const step = (): void => {
      const passed = overMs === 0 ? 1 : (this.#clock.monotonicMs() - startedMs) / overMs
      while (waiting.length > 0 && total - waiting.length <= total * passed) end(waiting.pop())
      if (waiting.length === 0) stop()
    }
    if (total > 0 && overMs > 0) pace = setInterval(step, Math.max(10, Math.min(1_000, overMs / total))).unref()
    step()
    return stop
  }

  /** Called once a second. Thousands are looked at a few at a time, so that no message waits for all of them. */
  tick(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const session of this.#refused) session.tick(nowMs)
    // Those of the last round that are left, where the process was kept from them.
    this.#tickSome(Number.POSITIVE_INFINITY)
    // Each has its turn at the same part of every second: those before it may only become fewer.
    const most = Math.max(LOOKED_AT_ONCE, this.#byId.size / TURNS_MOST)
    this.#round = this.#byId.values()
    this.#tickSome(most)
    if (this.#round === undefined) return
    this.#turns = setInterval(() => this.#tickSome(most), TURN_MS).unref()
  }

  /** @param most how many of the round are looked at */
  #tickSome(most: number): void {
    const nowMs = this.#clock.monotonicMs()
    // A timer may come a little early; who is due in less than half a tick is due. Of the others nothing else is looked
    // at: thousands of sessions do not fit into the processor's caches.
    const soonMs = nowMs + TICK_MS / 2
    for (let left = most; left > 0 && this.#round !== undefined; left--) {
      const { value: place, done } = this.#round.next()
      if (done === true) this.#endRound()
      else if (place.dueMs <= soonMs) this.#tickOne(place, nowMs)
    }
  }

  #endRound(): void {
    this.#round = undefined
    clearInterval(this.#turns)
  }

  #tickHasty(): void {
    const nowMs = this.#clock.monotonicMs()
    const soonMs = nowMs + SHORT_TICK_MS / 2
    for (const place of this.#hasty) if (place.dueMs <= soonMs) this.#tickOne(place, nowMs)
    if (this.#hasty.size > 0) return
    clearInterval(this.#hastyTicker)
    this.#hastyTicker = undefined
  }

  /** What goes wrong in one session ends that one: the others hang on the same ticker. */
  #tickOne(place: Place, nowMs: number): void {
    if (!place.tick(nowMs)) place.session?.end(BROKEN)
    if (place.isHeld && place.session !== undefined && place.dueMs - nowMs < TICK_MS) {
      this.#hasty.add(place)
      this.#hastyTicker ??= setInterval(() => this.#tickHasty(), SHORT_TICK_MS).unref()
    } else if (this.#hasty.size > 0) this.#hasty.delete(place)
  }

  /** Ends every session and drops every client's socket: nothing is waited for. */
  cut(request: EndRequest): void {
    for (const session of this.each()) {
      // First, so that log and audit name who asked, not a client that was lost.
      session.end(request)
      session.terminate()
    }
  }
}

function revoke(places: readonly Place[], explanation: string): number {
  let sessions = 0
  for (const place of places) {
    if (place.session !== undefined) sessions++
    place.endAuthority('revoked', explanation)
  }
  return sessions
}

/** What waits in memory for one session: both legs, and the message that is being assembled. */
function heldBytes(session: Occupant | undefined): number {
  return session === undefined ? 0 : session.bufferedBytes + session.assemblingBytes
}
