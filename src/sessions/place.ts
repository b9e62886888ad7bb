/**
 * A place among the sessions: held from before the promotion until the session has ended, so that a limit holds against
 * simultaneous upgrades and a revocation also catches a login that is still under way.
 */
import { type Identity, identityKey, identityKeys } from '../../auth/index.ts'
import type { EndRequest } from '../../proxy/index.ts'
import type { Entitled, Service, Terms } from '../services/service.ts'
import { authorityEnded } from './end-requests.ts'
import type { Judged } from './judge.ts'
import type { LifetimeEnd } from './lifetime.ts'
import type { SessionRecord } from './record.ts'

/** What a place and the registry may ask of the session that took it. */
export interface Occupant {
  readonly id: string
  /** As it is whenever somebody looks. */
  readonly record: SessionRecord
  /** Whether something has begun to end it. */
  readonly isEnding: boolean
  /** What another configuration has to judge it by. */
  readonly judged: Judged
  /** The last answer about what it may do, where its service asks for one. */
  readonly entitled: Entitled | undefined
  /** Bytes that wait on both legs, and those of messages of which the end has not arrived. */
  readonly bufferedBytes: number
  readonly assemblingBytes: number
  /** Heartbeats, pings, the end of its authority. @returns when it is due again, on the same clock */
  tick(nowMs: number): number
  end(request: EndRequest): void
  /** The same, once nothing is half done; after `withinMs` at the latest. */
  endAtQuietPoint(request: EndRequest, withinMs: number): void
  /** Drops the client's socket. */
  terminate(): void
  /** Goes on as it is, at this service of another configuration. @param rule index of the promotion rule that wins there */
  keep(service: Service, rule: number): void
  /** Goes on by these terms from the next frame on, at the same broker, as the same broker user. */
  adopt(service: Service, terms: Terms): void
  /**
   * Goes on as the same person, if the rules still lead to the same broker user; else it ends.
   * @param next of the identity of now, asked again where that has changed meanwhile; undefined: as it is
   */
  goOn(next: (now: Identity) => Identity | undefined): Promise<void>
  /** Takes over the end of a renewed proof. */
  renewed(identity: Identity): void
  /** The place was given back: no timer may be left. */
  released(): void
}

/** Why a session's authority ended. */
export type AuthorityEnd = LifetimeEnd | 'revoked'

export class Place {
  readonly service: string
  /** The identity's own, and those of everybody whose authority this one hangs on; a renewal changes none of them. */
  readonly key: string
  readonly keys: readonly string[]
  #identity: Identity
  #endedFor: AuthorityEnd | undefined
  #session: Occupant | undefined
  #isHeld = true
  #dueMs = 0
  #isShed = false
  #giveBack: (() => void) | undefined

  constructor(identity: Identity, service: string) {
    this.#identity = identity
    this.service = service
    this.key = identityKey(identity)
    this.keys = identityKeys(identity)
  }

  /** Replaced by a renewal, always by one of the same issuer and subject. */
  get identity(): Identity {
    return this.#identity
  }

  /** Why the authority ended, as soon as it has. */
  get endedFor(): AuthorityEnd | undefined {
    return this.#endedFor
  }

  /** Absent until the session has begun. */
  get session(): Occupant | undefined {
    return this.#session
  }

  /** Until it was given back. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** The session was ended for holding too much; its broker may take seconds to notice. */
  get isShed(): boolean {
    return this.#isShed
  }

  /** Its session has begun. It ends at once where the authority has ended in the meantime. */
  occupy(session: Occupant): void {
    this.#session = session
    if (this.#endedFor !== undefined) session.end(authorityEnded(this.#endedFor))
  }

  /** Ends the authority, for the first reason that is given. @param explanation for the client */
  endAuthority(why: AuthorityEnd, explanation?: string): void {
    this.#endedFor ??= why
    this.#session?.end(authorityEnded(why, explanation))
  }

  renew(identity: Identity): void {
    this.#identity = identity
    this.#dueMs = 0
    this.#session?.renewed(identity)
  }

  /** Ends the session for what it holds, and drops its socket. */
  shed(request: EndRequest): void {
    this.#isShed = true
    this.#session?.end(request)
    this.#session?.terminate()
  }

  /** When its session is to be ticked again, on the registry's clock. */
  get dueMs(): number {
    return this.#dueMs
  }

  /** Ticks the session. @returns false where it failed over that */
  tick(nowMs: number): boolean {
    try {
      this.#dueMs = this.#session?.tick(nowMs) ?? 0
      return true
    } catch {
      return false
    }
  }

  /** Called once it was given back, or at once where it has been. */
  onRelease(giveBack: () => void): void {
    if (this.#isHeld) this.#giveBack = giveBack
    else giveBack()
  }

  /** Gives it back. @returns false where it was given back before */
  release(): boolean {
    if (!this.#isHeld) return false
    this.#isHeld = false
    this.#giveBack?.()
    this.#session?.released()
    return true
  }
}
