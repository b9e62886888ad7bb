/**
 * The causes for which a client is refused before any broker is dialled, as one table: what it sees by HTTP, what it
 * sees in band, and how the log calls it. docs/errors.md shows this table and a test compares them.
 *
 * Texts here are for the client: they name no user, no role, no rule.
 */
import type { Identity } from '../../auth/index.ts'
import type { InBandRefusal } from '../../proxy/index.ts'
import type { EventName } from '../ops/events.ts'
import type { RawAnswer } from './raw-answer.ts'

export interface RefusalSpec {
  /** The answer to the upgrade, or to a request to `/auth/*`. */
  readonly status: number
  readonly text: string
  readonly log: EventName
  /** `undefined`: never in band, whatever the service's `refusal` says. */
  readonly inBand?: InBandRefusal
  /** For `Retry-After`, where the refusal itself does not know better. */
  readonly retryAfterSeconds?: number
  /** For operators: docs/errors.md. */
  readonly whatToDo: string
}

const UNAUTHENTICATED = 'not authenticated: log in again'
const FORBIDDEN = 'this login may not use this service'

export const REFUSALS = {
  'unknown-path': {
    status: 404,
    text: 'no service here',
    log: 'request-refused',
    whatToDo: 'Compare the URL with the `path` of the services, byte for byte.',
  },
  'bad-request': {
    status: 400,
    text: 'not a well-formed upgrade to WebSocket',
    log: 'request-refused',
    whatToDo: 'Read the answer: it says what was expected. A proxy in front may have changed the request.',
  },
  'not-http': {
    status: 400,
    text: 'not HTTP',
    log: 'request-refused',
    whatToDo: 'The detail names the protocol that arrived. Set up the proxy or the client for HTTP/1.1.',
  },
  'too-many-requests': {
    status: 429,
    text: 'too many requests at once',
    log: 'limit-refused',
    whatToDo:
      'Wait for answers before you send more: 16 requests, of 64 KiB together, may wait on one connection. It ends after this answer.',
  },
  'origin-not-allowed': {
    status: 403,
    text: 'this origin is not allowed here',
    log: 'origin-refused',
    whatToDo: 'Add the line that the log prints to the `origins` of the service, if the page is yours.',
  },
  unauthenticated: {
    status: 401,
    text: UNAUTHENTICATED,
    log: 'authentication-refused',
    inBand: { code: 'access-refused', explanation: UNAUTHENTICATED, closeCode: 4401 },
    whatToDo: 'Log in again. Operators find in the log which credential arrived, and why it is invalid.',
  },
  'address-not-allowed': {
    status: 403,
    text: 'not allowed from this address',
    log: 'authorization-refused',
    inBand: { code: 'access-refused', explanation: 'not allowed from this address', closeCode: 4403 },
    whatToDo: 'See `require.addresses`; behind a reverse proxy, `trustedProxies` of the listener as well.',
  },
  'lacking-role': {
    status: 403,
    text: FORBIDDEN,
    log: 'authorization-refused',
    inBand: { code: 'access-refused', explanation: FORBIDDEN, closeCode: 4403 },
    whatToDo: 'Give the user the role that the log names, or change `require.roles`.',
  },
  'no-promotion-rule': {
    status: 403,
    text: FORBIDDEN,
    log: 'authorization-refused',
    inBand: { code: 'access-refused', explanation: FORBIDDEN, closeCode: 4403 },
    whatToDo: 'Add the rule that the log prints to `promote`. `gatehouse explain` shows which rules match.',
  },
  'rule-refused': {
    status: 403,
    text: FORBIDDEN,
    log: 'authorization-refused',
    inBand: { code: 'access-refused', explanation: FORBIDDEN, closeCode: 4403 },
    whatToDo:
      'A promotion rule with `refuse` matches, and the client reads its text. The detail names the rule: change it, or put another before it.',
  },
  'entitlement-refused': {
    status: 403,
    text: FORBIDDEN,
    log: 'authorization-refused',
    inBand: { code: 'access-refused', explanation: FORBIDDEN, closeCode: 4403 },
    whatToDo:
      'The entitlement service said no, and the client reads its `reason`. `gatehouse explain --entitlements` asks it.',
  },
  'entitlement-unavailable': {
    status: 503,
    text: 'permissions cannot be checked at the moment',
    retryAfterSeconds: 5,
    log: 'entitlements-failed',
    inBand: {
      code: 'internal-error',
      explanation: 'permissions cannot be checked at the moment',
      closeCode: 1013,
    },
    whatToDo: 'The entitlement service gave no answer in time, or none that is one: the detail says why.',
  },
  held: {
    status: 403,
    text: 'not at the moment: your sessions were ended',
    retryAfterSeconds: 30,
    log: 'authorization-refused',
    inBand: { code: 'access-refused', explanation: 'not at the moment: your sessions were ended', closeCode: 1013 },
    whatToDo: 'Wait as long as Retry-After says: somebody ended the sessions of this person, with a `hold`.',
  },
  blocked: {
    status: 403,
    text: 'this login is blocked',
    log: 'authorization-refused',
    inBand: { code: 'access-refused', explanation: 'this login is blocked', closeCode: 4403 },
    whatToDo: 'Somebody blocked this person: `GET /api/v1/blocks` says who, why and until when.',
  },
  'too-many-attempts': {
    status: 429,
    text: 'too many attempts',
    retryAfterSeconds: 1,
    log: 'limit-refused',
    inBand: { code: 'access-refused', explanation: 'too many attempts', closeCode: 1013 },
    whatToDo: 'Wait as long as Retry-After says. An attacker guesses passwords, or a program has an old one.',
  },
  'too-many-sessions': {
    status: 429,
    text: 'too many sessions',
    retryAfterSeconds: 10,
    log: 'limit-refused',
    inBand: { code: 'resource-error', explanation: 'too many sessions', closeCode: 1013 },
    whatToDo: 'Close sessions, or raise `limits.sessionsPerIdentity`.',
  },
  'too-many-handshakes': {
    status: 429,
    text: 'too many handshakes at once',
    retryAfterSeconds: 1,
    log: 'limit-refused',
    inBand: { code: 'resource-error', explanation: 'too many handshakes at once', closeCode: 1013 },
    whatToDo: 'Raise `limits.handshakesPerAddress`, or set `trustedProxies` if all clients seem to have one address.',
  },
  overloaded: {
    status: 503,
    text: 'the gateway is overloaded',
    retryAfterSeconds: 5,
    log: 'overload-refused',
    inBand: { code: 'resource-error', explanation: 'the gateway is overloaded', closeCode: 1013 },
    whatToDo: 'Give the process more memory or file descriptors, or run another one beside it.',
  },
  draining: {
    status: 503,
    text: 'the gateway takes no more sessions',
    retryAfterSeconds: 1,
    log: 'request-refused',
    inBand: { code: 'connection-forced', explanation: 'the gateway takes no more sessions', closeCode: 1012 },
    whatToDo: 'Connect again: another instance answers.',
  },
  'credential-unavailable': {
    status: 503,
    text: 'not available',
    retryAfterSeconds: 5,
    log: 'promotion-failed',
    inBand: { code: 'internal-error', explanation: 'the gateway could not complete the login', closeCode: 1011 },
    whatToDo: 'The log says which secret could not be read.',
  },
  'authentication-unavailable': {
    status: 503,
    text: 'nobody can be authenticated at the moment',
    retryAfterSeconds: 5,
    log: 'authentication-failed',
    inBand: { code: 'internal-error', explanation: 'nobody can be authenticated at the moment', closeCode: 1013 },
    whatToDo: 'See in the log what did not answer: an identity provider, its key set, a module.',
  },
  'state-unavailable': {
    status: 503,
    text: 'logins cannot be looked up at the moment',
    retryAfterSeconds: 2,
    log: 'authentication-failed',
    inBand: { code: 'internal-error', explanation: 'logins cannot be looked up at the moment', closeCode: 1013 },
    whatToDo:
      'The store of `state` did not answer in time. Clients come back by themselves; nobody has to log in again.',
  },
} as const satisfies Record<string, RefusalSpec>

export type RefusalCause = keyof typeof REFUSALS

/** Which column of the table a client gets. */
export function isToldInBand(cause: RefusalCause, mode: 'auto' | 'http' | 'amqp', hasOrigin: boolean): boolean {
  const { inBand }: RefusalSpec = REFUSALS[cause]
  if (inBand === undefined) return false
  return mode === 'auto' ? hasOrigin : mode === 'amqp'
}

/** One refusal: which row of the table, and what operators read about it. */
export interface Refusal {
  readonly cause: RefusalCause
  readonly detail: string
  /** For the client, instead of the row's own text. */
  readonly text?: string | undefined
  /** The configuration line that would have let the client in. */
  readonly allow?: string | undefined
  /** Who it was, where that was known. */
  readonly identity?: Identity | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Values for `WWW-Authenticate`. */
  readonly challenges?: readonly string[]
}

/** Tells a refusal from what would have come instead. */
export function isRefusal(result: object): result is Refusal {
  return 'cause' in result && 'detail' in result
}

/** Fits behind `ACCESS_REFUSED - ` into a reply-text. [AMQP §1.4.2.10] */
const LONGEST_TOLD_BYTES = 200

/** What the client reads; where its service is under development, why as well, as operators do. */
export function toldText(refusal: Refusal, text: string, isDevelopment = false): string {
  const own = refusal.text ?? text
  if (!isDevelopment) return own
  const whole = Buffer.from(`${own} (development: ${refusal.cause}: ${refusal.detail.replace(/\p{C}/gu, '?')})`)
  // A character that was cut in two is left out.
  return whole.length <= LONGEST_TOLD_BYTES
    ? whole.toString()
    : `${whole
        .subarray(0, LONGEST_TOLD_BYTES - 3)
        .toString()
        .replace(/\uFFFD$/, '')}…`
}

/** The HTTP answer to a refusal. */
export function answerTo(refusal: Refusal, isDevelopment = false): RawAnswer {
  const { status, text, retryAfterSeconds }: RefusalSpec = REFUSALS[refusal.cause]
  const challenges = refusal.challenges ?? []
  return {
    status,
    text: toldText(refusal, text, isDevelopment),
    headers: {
      ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) }),
      ...(challenges.length === 0 ? {} : { 'WWW-Authenticate': challenges }),
      ...refusal.headers,
    },
  }
}
