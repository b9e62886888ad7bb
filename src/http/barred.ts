/** The refusal of somebody who may not come in for the time being, whatever they prove. */
import type { Identity } from '../../auth/index.ts'
import type { Bars } from '../sessions/bars.ts'
import type { Refusal } from './refusal.ts'

/** Undefined where nothing bars them. */
export function barredBy(bars: Bars, identity: Identity): Refusal | undefined {
  const bar = bars.of(identity)
  if (bar === undefined) return undefined
  if (bar.cause === 'blocked') return { cause: 'blocked', detail: 'somebody blocked this person', identity }
  const headers = { 'Retry-After': String(Math.max(1, Math.ceil(bar.leftMs / 1000))) }
  return { cause: 'held', detail: 'somebody ended the sessions of this person a moment ago', headers, identity }
}
