/**
 * Turns filters into one slot for each method and direction: `null` where nobody asked, so that what is switched off costs
 * one comparison.
 *
 * Sessions with the same kinds of filters in the same order share one layout; what a session has of its own is a list of
 * states, from which every slot takes those it is for: the session's books first, then one for each of its filters.
 */

import type { ContentHeader } from '../codec/content.ts'
import { indexOf, METHOD_COUNT, type MethodView } from '../codec/method.ts'
import { flagOf, PROPERTY_NAMES } from '../codec/properties.ts'
import type { MethodName } from '../codec/spec.ts'
import type { Filter, FilterChecks, FilterRefusal, PublishView, SessionView, Verdict } from './filter.ts'
import { ANSWERS, ASKED, type Track } from './track/track.ts'

type States = readonly [track: Track, ...ofFilters: unknown[]]
/** What several filters say of one subject, each with its own state. */
type Slot<T, R> = (subject: T, states: States) => R

/** The place of the first filter's state: the books are before it. */
const FIRST_FILTER = 1

/** What filters of these kinds, in this order, look at. */
export interface Layout {
  readonly toBroker: readonly (Slot<MethodView, Verdict> | null)[]
  readonly publish: Slot<PublishView, Verdict> | null
  readonly toClient: readonly (Slot<MethodView, void> | null)[]
  /** Of the broker, on any channel that it may still answer on: whether the client must not see it. */
  readonly answers: readonly (Slot<MethodView, boolean> | null)[]
  readonly delivery: Slot<ContentHeader, void> | null
  /** Flags of the properties without which no filter wants to see a delivery. */
  readonly deliveryFlags: number
  readonly channelClosed: Slot<number, void> | null
  readonly tick: Slot<number, void> | null
  readonly exchanged: Slot<undefined, void> | null
  readonly ended: Slot<undefined, void> | null
}

/** One session's filters. */
export class Slots {
  readonly layout: Layout
  /** The second argument of every slot of the layout. */
  readonly states: States

  constructor(layout: Layout, states: States) {
    this.layout = layout
    this.states = states
  }

  get track(): Track {
    return this.states[0]
  }

  channelClosed(channel: number): void {
    this.track.channelClosed(channel)
    this.layout.channelClosed?.(channel, this.states)
  }

  tick(nowMs: number): void {
    this.layout.tick?.(nowMs, this.states)
  }

  /** The session is over. */
  ended(): void {
    this.track.ended()
    this.retired()
  }

  /** The session goes on with other filters, which have been started. */
  retired(): void {
    this.layout.ended?.(undefined, this.states)
  }

  /** These filters have taken the place of others. */
  exchanged(): void {
    this.layout.exchanged?.(undefined, this.states)
  }
}

/** Starts a session's filters. */
export function compile(filters: readonly Filter[], session: SessionView): Slots {
  return new Slots(layoutOf(filters), [session.track, ...filters.map((filter) => filter.start(session))])
}

/** Whether a verdict refuses. */
export function isFilterRefusal(verdict: Verdict): verdict is FilterRefusal {
  return verdict !== undefined && !Buffer.isBuffer(verdict)
}

/** What is known of lists of kinds that begin alike. Weak: kinds are made for each service, and services come and go in tests. */
interface Known {
  layout: Layout | undefined
  readonly longer: WeakMap<FilterChecks<never>, Known>
}

const KNOWN: Known = { layout: undefined, longer: new WeakMap() }

function layoutOf(filters: readonly Filter[]): Layout {
  let known = KNOWN
  for (const { checks } of filters) {
    let next = known.longer.get(checks)
    if (next === undefined) {
      next = { layout: undefined, longer: new WeakMap() }
      known.longer.set(checks, next)
    }
    known = next
  }
  known.layout ??= layout(filters.map(({ checks }) => checks))
  return known.layout
}

function layout(all: readonly FilterChecks<never>[]): Layout {
  const toBroker = byMethod(all, 'toBroker', (name) => judge(parts(all, (checks) => checks.toBroker?.[name as never])))
  return {
    toBroker: toBroker.map((slot, index) => (ASKED[index] === null ? slot : tracked(slot))),
    publish: judge(parts(all, ({ publish }) => publish)),
    toClient: byMethod(all, 'toClient', (name) => tell(parts(all, ({ toClient }) => toClient?.[name as never]))),
    answers: ANSWERED,
    delivery: tell(parts(all, ({ delivery }) => delivery)),
    deliveryFlags: all.reduce((flags, checks) => flags | flagsWanted(checks), 0),
    channelClosed: tell(parts(all, ({ channelClosed }) => channelClosed)),
    tick: tell(parts(all, ({ tick }) => tick)),
    exchanged: tell(parts(all, ({ exchanged }) => alike(exchanged))),
    ended: tell(parts(all, ({ ended }) => alike(ended))),
  }
}

/** All flags where a filter wants to see every delivery. */
function flagsWanted({ delivery, deliveryWith }: FilterChecks<never>): number {
  if (delivery === undefined) return 0
  if (deliveryWith === undefined) return 0xffff
  return deliveryWith.reduce((flags, name) => flags | flagOf(PROPERTY_NAMES.indexOf(name)), 0)
}

function byMethod<S>(
  all: readonly FilterChecks<never>[],
  direction: 'toBroker' | 'toClient',
  slotOf: (name: MethodName) => S | null,
): (S | null)[] {
  const slots = new Array<S | null>(METHOD_COUNT).fill(null)
  const names = all.flatMap((checks) => Object.keys(checks[direction] ?? {})) as MethodName[]
  for (const name of new Set(names)) slots[indexOf(name)] = slotOf(name)
  return slots
}

/** What one filter says of a subject, and the place of its state. */
interface Part<T, R> {
  readonly at: number
  readonly check: (subject: T, state: never) => R
}

function parts<T, R>(
  all: readonly FilterChecks<never>[],
  pick: (checks: FilterChecks<never>) => Part<T, R>['check'] | undefined,
): Part<T, R>[] {
  return all.flatMap((checks, at) => {
    const check = pick(checks)
    return check === undefined ? [] : [{ at: at + FIRST_FILTER, check }]
  })
}

/** A look without a subject, as those that have one. */
function alike(look: ((state: never) => void) | undefined): Part<undefined, void>['check'] | undefined {
  return look === undefined ? undefined : (_, state) => look(state)
}

/** A request that changes the session's books, once everybody has let it pass. */
function tracked(judged: Slot<MethodView, Verdict> | null): Slot<MethodView, Verdict> {
  return (method, states) => {
    const verdict = judged?.(method, states)
    return isFilterRefusal(verdict) ? verdict : states[0].forwards(method, verdict)
  }
}

const ANSWERED: Layout['answers'] = ANSWERS.map((isLookedAt) =>
  isLookedAt === null ? null : (method, [track]) => track.answered(method),
)

/** Several checks as one: the first refusal stands; of replacements there can be only one, or the filters contradict each other. */
function judge<T>(checks: readonly Part<T, Verdict>[]): Slot<T, Verdict> | null {
  const [first] = checks
  if (first === undefined) return null
  if (checks.length === 1) return alone(first)
  return (subject, states) => {
    let replacement: Buffer | undefined
    for (const { at, check } of checks) {
      const verdict = check(subject, states[at] as never)
      if (verdict === undefined) continue
      if (!Buffer.isBuffer(verdict)) return verdict
      if (replacement !== undefined) throw new Error('two filters rewrite the same frame')
      replacement = verdict
    }
    return replacement
  }
}

function tell<T>(looks: readonly Part<T, void>[]): Slot<T, void> | null {
  const [first] = looks
  if (first === undefined) return null
  if (looks.length === 1) return alone(first)
  return (subject, states) => {
    for (const { at, check } of looks) check(subject, states[at] as never)
  }
}

function alone<T, R>({ at, check }: Part<T, R>): Slot<T, R> {
  return (subject, states) => check(subject, states[at] as never)
}
