/**
 * What people and programs who manage the gateway can see and do of its sessions. Who they are and whether they may is
 * decided before; each act is in the audit trail.
 */
import { type Authenticator, type Identity, identityKey, PromotionRefused } from '../../auth/index.ts'
import type { EndRequest } from '../../proxy/index.ts'
import type { DrainOrder } from '../config/schema/drain.ts'
import type { Log } from '../ops/log.ts'
import type { Service } from '../services/service.ts'
import type { Standing } from '../services/standing.ts'
import type { Bars, Block } from '../sessions/bars.ts'
import type { Drain, DrainTerms } from '../sessions/drain.ts'
import { BLOCKED, kicked } from '../sessions/end-requests.ts'
import type { Occupant } from '../sessions/place.ts'
import type { SessionRecord } from '../sessions/record.ts'
import type { Leaving, Sessions } from '../sessions/registry.ts'
import { endTickets } from '../sessions/tickets.ts'
import type { BlocksFile } from './blocks-file.ts'
import type { Lately } from './live/lately.ts'
import { matcherOf, type SessionMatch } from './match.ts'
import { LastOrders } from './orders/last-orders.ts'
import type { BlockOrder, KickOrder } from './orders/orders.ts'
import type { Here } from './replicas/here.ts'
import type { OrderAnswer, OrderNews, Others, PassedOn } from './replicas/others.ts'
import { isOfAllByAge, type Listing, pageByAge, pageOf } from './routes/listing.ts'
import { type ShownDetail, sessionDetail, shownSession } from './routes/shown-session.ts'
import type { Blocked, Kicked, SessionPage, ShownBlock } from './shapes.ts'
import type { Actor, AdminTrail } from './trail.ts'

export interface Draining {
  readonly sessions: number
  /** Never rejects. */
  readonly over: Promise<void>
}

export interface ManagementParts {
  readonly sessions: Sessions
  readonly bars: Bars
  readonly trail: AdminTrail
  readonly log: Log
  readonly drain: Pick<Drain, 'begin' | 'cancel'>
  /** As in the configuration in force. */
  drainTerms(): DrainTerms
  /** Whether the gateway drains to stop: then nobody else has a say. */
  isStopping(): boolean
  readonly lately: Lately
  /** Where blocks are kept, so that they survive a restart. */
  readonly blocksFile: BlocksFile | undefined
  /** Other processes of this gateway, and gateways that share their state with it; undefined where there are none. */
  readonly others: Others | undefined
  /** Of this gateway, whichever process has them. */
  sessionCount(): number
  /** Somebody (`identityKey`) is kept out for a while by this process. */
  held(key: string, forMs: number): void
  /** Where the sessions of this process live. */
  here(): Here
  /** What is in force. */
  current(): {
    readonly authenticators: ReadonlyMap<string, Authenticator>
    readonly services: ReadonlyMap<string, Service>
  }
}

/** What the client reads where nobody gives a reason. */
const NO_REASON = 'an operator ended this session'
/** A kick is for those who are here now. */
const KICK_MS = 60_000

export class Management {
  readonly #of: ManagementParts
  readonly #orders = new LastOrders()

  constructor(parts: ManagementParts) {
    this.#of = parts
  }

  /** Those of this gateway. */
  list(listing: Listing): SessionPage {
    const { sessions, here } = this.#of
    if (isOfAllByAge(listing)) return pageByAge(sessions, listing, here())
    return pageOf(this.#candidates(listing), listing, here())
  }

  /** One of this gateway. */
  session(id: string): ShownDetail | undefined {
    const session = this.#of.sessions.byId(id)?.session
    if (session === undefined) return undefined
    const { record } = session
    const { lately, here } = this.#of
    const detail = sessionDetail(shownSession(record, here()), this.#standing(record), lately.methods.of(id))
    return { ...detail, rates: lately.rates.of(record) }
  }

  /** Of the person of a session, at its service; `null` where the rules of today would not let it begin. */
  limitsOf(record: SessionRecord): Standing['limits'] | null {
    return this.#standing(record)?.limits ?? null
  }

  /** Ends sessions at all gateways. */
  async kick(order: KickOrder, actor: Actor): Promise<Kicked> {
    const here = this.#kick(order)
    const passed = await this.#of.others?.pass({ kind: 'kicked', order }, Date.now() + KICK_MS, Date.now())
    const { answers, notReached } = passed ?? { answers: [], notReached: [] }
    const matched = sum([here, ...answers].map((answer) => answer.matched))
    const ended = sum([here, ...answers].map((answer) => answer.ended))
    const { match, reason, dryRun } = order
    const outcome = dryRun ? 'dry-run' : 'done'
    this.#of.trail.done('admin.kick', actor, { match: JSON.stringify(match), count: matched, reason, outcome })
    return { matched, ended, notReached }
  }

  /** Acts on what another gateway passed on. @param atMs when it did so */
  received(news: OrderNews, atMs: number): OrderAnswer {
    if (news.kind === 'kicked') return this.#kick(news.order)
    const { subject, issuer } = news.kind === 'blocked' ? news.block : news
    // Entries may arrive in any order, and again: the last word about a person counts.
    if (!this.#orders.isLast(subject, issuer, atMs)) return { matched: 0, ended: 0, issuers: [] }
    const { bars, log } = this.#of
    bars.unblockPerson(subject, issuer)
    if (news.kind === 'blocked') bars.restore(news.block)
    this.#of.blocksFile?.save().catch((error: unknown) => log.write('blocks-not-kept', { detail: String(error) }))
    return news.kind === 'blocked' ? this.#endBlocked(subject, issuer) : { matched: 0, ended: 0, issuers: [] }
  }

  #kick({ match, reason, hold, perSecond, dryRun }: KickOrder): OrderAnswer {
    const matches = matcherOf(match, this.#of.here().replica)
    const chosen = [...this.#candidates(match)].filter(({ record, isEnding }) => !isEnding && matches(record))
    const matched = chosen.length
    if (!dryRun) {
      const { sessions, drainTerms } = this.#of
      const request = kicked(reason ?? NO_REASON)
      if (perSecond === undefined) {
        this.#hold(chosen, hold)
        // Who is to go at once goes wherever it is.
        sessions.endEvenly(chosen, request, { overMs: 0 })
      } else {
        const leaving = chosen.map((session) => this.#heldFrom(session, hold))
        sessions.endEvenly(leaving, request, { overMs: (matched / perSecond) * 1000, quietMs: drainTerms().quiet })
      }
    }
    return { matched, ended: dryRun ? 0 : matched, issuers: [] }
  }

  /**
   * Blocks a person: their sessions and tickets end at once. Resolves when the block survives a restart, too.
   * @returns undefined where there are too many blocks
   * @throws {BlocksNotKept} it is in force, and ends with the process
   */
  async block({ subject, issuer, for: forMs, reason }: BlockOrder, actor: Actor): Promise<Blocked | undefined> {
    const by = actor === 'program' ? actor : actor.identity.subject
    const block = this.#of.bars.block({ subject, issuer, reason, by }, forMs)
    if (block === undefined) return undefined
    const here = this.#endBlocked(subject, issuer)
    const passing = this.#pass({ kind: 'blocked', block }, block)
    const kept = this.#kept()
    // Its failure is told once the others have answered.
    kept.catch(() => undefined)
    const { answers, notReached } = await passing
    const all = [here, ...answers]
    const ended = sum(all.map((answer) => answer.ended))
    this.#of.trail.done('admin.block', actor, { match: JSON.stringify({ subject, issuer }), count: ended, reason })
    await kept
    const issuers = [...new Set(all.flatMap((answer) => answer.issuers))]
    return { ...shownBlock(block), ended, issuers, notReached }
  }

  /** Ends what somebody has who was blocked. */
  #endBlocked(subject: string, issuer: string | undefined): OrderAnswer {
    const isMeant = (one: Identity) => one.subject === subject && (issuer === undefined || one.issuer === issuer)
    const chosen = [...this.#of.sessions.each()].filter(
      ({ isEnding, record: { identity } }) => !isEnding && [identity, ...(identity.parts ?? [])].some(isMeant),
    )
    const issuers = [...new Set(chosen.map(({ record }) => record.identity.issuer))]
    this.#revokeTickets([...new Set([...issuers, ...(issuer === undefined ? [] : [issuer])])], subject)
    for (const session of chosen) session.end(BLOCKED)
    return { matched: chosen.length, ended: chosen.length, issuers }
  }

  /** It is known for as long as the block would have lasted, so that nothing brings that back. */
  async #pass(news: OrderNews, { subject, issuer, untilMs }: Block): Promise<PassedOn> {
    const atMs = this.#orders.next(subject, issuer, Date.now())
    return (await this.#of.others?.pass(news, untilMs, atMs)) ?? { answers: [], notReached: [] }
  }

  blocks(): readonly ShownBlock[] {
    return this.#of.bars.blocks().map(shownBlock)
  }

  /** @returns whether there was one of this id. @throws {BlocksNotKept} it is lifted, and back after a restart */
  async unblock(id: string, actor: Actor): Promise<boolean> {
    const block = this.#of.bars.unblock(id)
    if (block === undefined) return false
    const { subject, issuer } = block
    this.#of.trail.done('admin.unblock', actor, { match: JSON.stringify({ subject, issuer }) })
    const passing = this.#pass({ kind: 'unblocked', subject, issuer }, block)
    await this.#kept()
    await passing
    return true
  }

  get isStopping(): boolean {
    return this.#of.isStopping()
  }

  /**
   * Sends everybody elsewhere; the gateway stays, and takes nobody.
   * @returns how many sessions there are, and when none is left or it is called off
   */
  drain(order: DrainOrder, actor: Actor): Draining {
    const { drain, drainTerms, log, trail } = this.#of
    const { over, quiet, lameDuck } = drainTerms()
    const count = this.#of.sessionCount()
    trail.done('admin.drain', actor, { count })
    log.write('gateway-draining', { count })
    const terms = { over: order.over ?? over, quiet: order.quiet ?? quiet, lameDuck: order.lameDuck ?? lameDuck }
    return { sessions: count, over: drain.begin(terms) }
  }

  /** Takes sessions again; those whose turn has not come go on. */
  undrain(actor: Actor): void {
    const { drain, log, trail } = this.#of
    const count = this.#of.sessionCount()
    trail.done('admin.undrain', actor, { count })
    if (drain.cancel()) log.write('gateway-undrained', { count })
  }

  /** @throws {BlocksNotKept} which the log has as well */
  async #kept(): Promise<void> {
    await this.#of.blocksFile?.save().catch((error: unknown) => {
      this.#of.log.write('blocks-not-kept', { detail: String(error) })
      throw error
    })
  }

  /** Undefined where rules that came into force a moment ago would refuse it, or its service has gone. */
  #standing({ id, identity, service: path, address, user }: SessionRecord): Standing | undefined {
    const service = this.#of.current().services.get(path)
    const own = [...this.#of.sessions.ofIdentity(identityKey(identity))]
    const sessions = own.filter(({ record }) => record.service === path).length
    try {
      const entitled = this.#of.sessions.byId(id)?.session?.entitled
      return service?.standing(identity, { sessionId: id, address, entitled }, { user, sessions })
    } catch (error) {
      if (error instanceof PromotionRefused) return undefined
      throw error
    }
  }

  /** Each person once, however many sessions they have. */
  #hold(sessions: readonly Occupant[], holdMs: number): void {
    const people = new Map(sessions.map(({ record: { identity } }) => [identityKey(identity), identity]))
    for (const [key, identity] of people) {
      this.#of.bars.hold(identity, holdMs)
      if (holdMs > 0) this.#of.held(key, holdMs)
    }
  }

  /** The hold begins when the session's turn has come. */
  #heldFrom(session: Occupant, holdMs: number): Leaving {
    return {
      end: (request: EndRequest) => {
        this.#hold([session], holdMs)
        session.end(request)
      },
      endAtQuietPoint: (request: EndRequest, withinMs: number) => {
        this.#hold([session], holdMs)
        session.endAtQuietPoint(request, withinMs)
      },
    }
  }

  /** Those of one person are found without a look at all others. */
  #candidates({ issuer: issuers = [], subject: subjects = [] }: SessionMatch): Iterable<Occupant> {
    const [[issuer, ...moreIssuers], [subject, ...moreSubjects]] = [issuers, subjects]
    const isOne = moreIssuers.length === 0 && moreSubjects.length === 0
    return isOne && issuer !== undefined && subject !== undefined
      ? this.#of.sessions.ofIdentity(identityKey({ issuer, subject }))
      : this.#of.sessions.each()
  }

  #revokeTickets(issuers: readonly string[], subject: string): void {
    const identities = issuers.map((issuer) => identityKey({ issuer, subject }))
    endTickets({ identities }, this.#of.current().authenticators.values(), this.#of.log)
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

function shownBlock({ id, subject, issuer, untilMs, reason, by }: Block): ShownBlock {
  return { id, subject, issuer: issuer ?? null, until: new Date(untilMs).toISOString(), reason, by }
}
