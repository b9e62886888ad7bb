/** The ends that come from outside a session: what both peers hear, in one place. The explanations are for clients. */
import type { EndRequest } from '../../proxy/index.ts'
import type { LifetimeEnd } from './lifetime.ts'

/** What the client reads where nobody gives a better explanation. */
const EXPLANATIONS: Readonly<Record<LifetimeEnd | 'revoked', string>> = {
  'session-timeout': 'the session has reached its longest time',
  'credential-expired': 'credential expired',
  revoked: 'access was revoked',
}

/** A session's authority ended: expiry, timeout, revocation. */
export function authorityEnded(why: LifetimeEnd | 'revoked', explanation = EXPLANATIONS[why]): EndRequest {
  return { reason: 'authority-ended', code: 'connection-forced', explanation, closeCode: 4401 }
}

/** A fresh proof leads to another vhost, and a connection has one only. [AMQP §1.4.2.7] */
export const VHOST_LOST: EndRequest = {
  reason: 'authority-ended',
  code: 'not-allowed',
  explanation: 'the vhost is not allowed any more',
  closeCode: 4403,
}

/** A fresh proof is that of somebody whom a promotion rule refuses, with the rule's text. */
export function ruleRefused(explanation: string): EndRequest {
  return { reason: 'authority-ended', code: 'access-refused', explanation, closeCode: 4403 }
}

/** The entitlement service says no, or what it granted has ended. @param explanation its own, for the client */
export function entitlementEnded(explanation = 'this login may not use this service any more'): EndRequest {
  return { reason: 'entitlement-ended', code: 'connection-forced', explanation, closeCode: 4403 }
}

/** The entitlement service has not answered for too long. */
export const ENTITLEMENT_AWAY: EndRequest = {
  reason: 'entitlement-ended',
  code: 'connection-forced',
  explanation: 'permissions cannot be checked at the moment',
  closeCode: 1013,
}

/** Another configuration leaves no room for the session. @param mayReturn whether the same client would be let in again */
export function configurationChanged(mayReturn: boolean): EndRequest {
  const closeCode = mayReturn ? 1012 : 4403
  return {
    reason: 'configuration-changed',
    code: 'connection-forced',
    explanation: 'the configuration changed',
    closeCode,
  }
}

/** Somebody who manages the gateway ended it. @param explanation for the client */
export function kicked(explanation: string): EndRequest {
  return { reason: 'kicked', code: 'connection-forced', explanation, closeCode: 1012 }
}

/** Somebody who manages the gateway blocked its identity; why is not for the client. */
export const BLOCKED: EndRequest = {
  reason: 'blocked',
  code: 'connection-forced',
  explanation: 'this login is blocked',
  closeCode: 4403,
}

/** Why it asks is nothing to the client: coming back is all that is to be done. */
const RECONNECT = {
  code: 'connection-forced',
  explanation: 'the gateway asks to reconnect',
  closeCode: 1012,
} as const

/** The gateway drains, to stop or to be empty. */
export const DRAIN: EndRequest = { reason: 'drain', ...RECONNECT }

/** Its broker node has more sessions than others have. */
export const REBALANCED: EndRequest = { reason: 'rebalanced', ...RECONNECT }

/** All sessions together hold too much, and this one holds most. */
export const OVERLOAD: EndRequest = {
  reason: 'overload',
  code: 'resource-error',
  explanation: 'the gateway is overloaded',
  closeCode: 1013,
}

/** Something of the gateway failed in this session. */
export const BROKEN: EndRequest = {
  reason: 'internal-error',
  code: 'internal-error',
  explanation: 'internal error',
  closeCode: 1011,
}

/** Where a session must be recorded and cannot be, there is none. */
export const UNRECORDED: EndRequest = {
  reason: 'internal-error',
  code: 'internal-error',
  explanation: 'this cannot be recorded at the moment',
  closeCode: 1011,
}
