/**
 * Turns a session's filters into one slot for each method and direction: `null` where nobody asked, so that what is
 * switched off costs one comparison. Built once for each session, at `open-ok`.
 */

import type { ContentHeader } from '../codec/content.ts'
import { indexOf, METHOD_COUNT, type MethodView } from '../codec/method.ts'
import { flagOf, PROPERTY_NAMES } from '../codec/properties.ts'
import type { MethodName } from '../codec/spec.ts'
import type { Filter, FilterChecks, PublishView, Refusal, SessionView, Verdict } from './filter.ts'

export type MethodCheck = (method: MethodView) => Verdict
export type PublishCheck = (publish: PublishView) => Verdict
export type MethodLook = (method: MethodView) => void
export type MethodWithhold = (method: MethodView) => boolean
export type DeliveryLook = (channel: number, header: ContentHeader) => void

export interface Slots {
  readonly toBroker: readonly (MethodCheck | null)[]
  readonly publish: PublishCheck | null
  readonly toClient: readonly (MethodLook | null)[]
  readonly withhold: readonly (MethodWithhold | null)[]
  readonly delivery: DeliveryLook | null
  /** Flags of the properties without which no filter wants to see a delivery. */
  readonly deliveryFlags: number
  readonly channelClosed: ((channel: number) => void) | null
  readonly tick: ((nowMs: number) => void) | null
  readonly ended: (() => void) | null
}

export function compile(filters: readonly Filter[], session: SessionView): Slots {
  const all = filters.map((filter) => filter.start(session))
  return {
    toBroker: byMethod(all, 'toBroker', judge) as (MethodCheck | null)[],
    publish: judge(present(all, (checks) => checks.publish)),
    toClient: byMethod(all, 'toClient', tell) as (MethodLook | null)[],
    withhold: byMethod(all, 'withhold', anyOf) as (MethodWithhold | null)[],
    delivery: tell(present(all, (checks) => checks.delivery)),
    deliveryFlags: all.reduce((flags, checks) => flags | flagsWanted(checks), 0),
    channelClosed: tell(present(all, (checks) => checks.channelClosed)),
    tick: tell(present(all, (checks) => checks.tick)),
    ended: tell(present(all, (checks) => checks.ended)),
  }
}

/** Whether a verdict refuses. */
export function isRefusal(verdict: Verdict): verdict is Refusal {
  return verdict !== undefined && !Buffer.isBuffer(verdict)
}

/** All flags where a filter wants to see every delivery. */
function flagsWanted({ delivery, deliveryWith }: FilterChecks): number {
  if (delivery === undefined) return 0
  if (deliveryWith === undefined) return 0xffff
  return deliveryWith.reduce((flags, name) => flags | flagOf(PROPERTY_NAMES.indexOf(name)), 0)
}

/** Shared by all sessions, and not to be written to. */
const NOBODY: unknown[] = new Array(METHOD_COUNT).fill(null)

function byMethod(
  all: readonly FilterChecks[],
  direction: 'toBroker' | 'toClient' | 'withhold',
  fuse: (checks: ((method: MethodView) => never)[]) => unknown,
): unknown[] {
  const named = new Set(all.flatMap((checks) => Object.keys(checks[direction] ?? {}))) as Set<MethodName>
  if (named.size === 0) return NOBODY
  const slots: unknown[] = [...NOBODY]
  for (const name of named) {
    slots[indexOf(name)] = fuse(
      present(
        all,
        (checks) =>
          (checks[direction] as Record<string, ((method: MethodView) => never) | undefined> | undefined)?.[name],
      ),
    )
  }
  return slots
}

/** Several checks as one: the first refusal stands; of replacements there can be only one, or the filters contradict each other. */
function judge<T>(checks: ((subject: T) => Verdict)[]): ((subject: T) => Verdict) | null {
  const [first] = checks
  if (first === undefined) return null
  if (checks.length === 1) return first
  return (subject) => {
    let replacement: Buffer | undefined
    for (const check of checks) {
      const verdict = check(subject)
      if (verdict === undefined) continue
      if (!Buffer.isBuffer(verdict)) return verdict
      if (replacement !== undefined) throw new Error('two filters rewrite the same frame')
      replacement = verdict
    }
    return replacement
  }
}

function tell<A extends unknown[]>(looks: ((...args: A) => void)[]): ((...args: A) => void) | null {
  const [first] = looks
  if (first === undefined) return null
  if (looks.length === 1) return first
  return (...args) => {
    for (const look of looks) look(...args)
  }
}

function anyOf<T>(asks: ((subject: T) => boolean)[]): ((subject: T) => boolean) | null {
  if (asks.length === 0) return null
  return (subject) => asks.some((ask) => ask(subject))
}

function present<T>(all: readonly FilterChecks[], pick: (checks: FilterChecks) => T | undefined): T[] {
  return all.map(pick).filter((check) => check !== undefined)
}
