/**
 * How sessions end: every cause with who asked, what the client hears, and the WebSocket code, in one place.
 * `detail` is for operators; what `tell` says is all that the client learns.
 */
import type { Fields } from '../../codec/spec.ts'
import { type Cause, CLOSE_CODES, ConnectionFault, HARD_CODES } from '../../faults.ts'
import type { BrokerFailure } from '../dialling/broker-failure.ts'
import type { EndedAt, EndedBy, EndReason, EndRequest, InBandRefusal, SessionEnd } from '../ports.ts'
import { type KnownNames, safeReplyText } from '../relaying/reply-text.ts'

export interface Ending {
  readonly by: EndedBy
  readonly reason: EndReason
  readonly detail: string
  readonly failure?: BrokerFailure
  /** The `connection.close` for the client; none: its WebSocket is closed without one. */
  readonly tell?: { readonly replyCode: number; readonly replyText: string; readonly caused: Cause }
  /** A client that has not come as far as `start-ok` is walked there first, and told then. */
  readonly patient?: boolean
  /** Nothing more is to be expected of this client: an ending that is under way is cut short. */
  readonly final?: boolean
  /** Where it was to end at a quiet point. */
  readonly at?: EndedAt | undefined
  readonly closeCode: number
}

/** What clients hear of a broker that does not answer. */
export const BROKER_AWAY = {
  code: 'internal-error',
  explanation: 'the broker is not available',
  closeCode: CLOSE_CODES.tryAgainLater,
  reason: 'broker-unavailable',
} as const satisfies InBandRefusal

/** What clients hear of a broker that does not take the promoted credential. */
export const BROKER_SAYS_NO = {
  code: 'access-refused',
  explanation: 'the broker refused the connection',
  closeCode: CLOSE_CODES.internalError,
  reason: 'broker-refused',
} as const satisfies InBandRefusal

/** One constructor for each reason. */
export const ended = {
  clientClosed: (): Ending => ({
    by: 'client',
    reason: 'client-closed',
    detail: 'connection.close',
    closeCode: CLOSE_CODES.normal,
  }),
  clientLost: (code: number): Ending => ({
    by: 'client',
    reason: 'client-lost',
    detail: `the WebSocket was closed (${code})`,
    closeCode: code,
  }),
  malformedStream: (code: number): Ending => ({
    by: 'gateway',
    reason: 'client-fault',
    detail: 'the WebSocket stream was malformed',
    closeCode: code,
  }),
  clientDead: (): Ending => ({
    by: 'gateway',
    reason: 'client-dead',
    detail: 'no answer to two pings',
    tell: new ConnectionFault('connection-forced', 'no sign of life'),
    final: true,
    closeCode: CLOSE_CODES.goingAway,
  }),
  clientFault: (fault: ConnectionFault): Ending => ({
    by: 'gateway',
    reason: 'client-fault',
    detail: fault.message,
    tell: fault,
    final: true,
    closeCode: CLOSE_CODES.protocolError,
  }),
  /** A channel cannot be closed at the broker in the middle of a content, and the client does not end it. */
  contentOverdue: (): Ending => ({
    by: 'gateway',
    reason: 'client-fault',
    detail: 'a message was begun on a channel that is to be closed, and not finished in time',
    tell: new ConnectionFault('connection-forced', 'a message was begun and not finished in time'),
    closeCode: CLOSE_CODES.policyViolation,
  }),
  foreignProtocol: (): Ending => ({
    by: 'gateway',
    reason: 'client-fault',
    detail: 'the first eight bytes are not the protocol header of AMQP 0-9-1',
    final: true,
    closeCode: CLOSE_CODES.protocolError,
  }),
  handshakeTimeout: (phase: string): Ending => ({
    by: 'gateway',
    reason: 'handshake-timeout',
    detail: `still in phase ${phase} at the deadline`,
    tell: new ConnectionFault('connection-forced', 'handshake timeout'),
    closeCode: CLOSE_CODES.policyViolation,
  }),
  brokerUnavailable: (detail: string, failure: BrokerFailure): Ending => ({
    by: 'gateway',
    reason: BROKER_AWAY.reason,
    detail,
    failure,
    tell: new ConnectionFault(BROKER_AWAY.code, BROKER_AWAY.explanation),
    patient: true,
    closeCode: BROKER_AWAY.closeCode,
  }),
  brokerRefused: (detail: string, failure: BrokerFailure): Ending => ({
    by: 'broker',
    reason: BROKER_SAYS_NO.reason,
    detail,
    failure,
    tell: new ConnectionFault(BROKER_SAYS_NO.code, BROKER_SAYS_NO.explanation),
    patient: true,
    closeCode: BROKER_SAYS_NO.closeCode,
  }),
  /** The broker stopped, or will stop, accepting who the session is. */
  renewalFailed: (by: EndedBy, detail: string, failure: BrokerFailure): Ending => ({
    by,
    reason: 'renewal-failed',
    detail,
    failure,
    tell: new ConnectionFault('connection-forced', 'the access to the broker could not be renewed'),
    closeCode: CLOSE_CODES.tryAgainLater,
  }),
  brokerLost: (detail: string): Ending => ({
    by: 'broker',
    reason: 'broker-lost',
    detail,
    tell: new ConnectionFault('connection-forced', 'the connection to the broker was lost'),
    closeCode: CLOSE_CODES.serviceRestart,
  }),
  brokerFault: (fault: ConnectionFault): Ending => ({
    by: 'gateway',
    reason: 'broker-fault',
    detail: `the broker broke the protocol: ${fault.message}`,
    tell: new ConnectionFault('internal-error', 'the broker broke the protocol'),
    closeCode: CLOSE_CODES.internalError,
  }),
  internalError: (error: unknown): Ending => ({
    by: 'gateway',
    reason: 'internal-error',
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
    tell: new ConnectionFault('internal-error', 'internal error'),
    final: true,
    closeCode: CLOSE_CODES.internalError,
  }),
  refused: ({ code, explanation, closeCode, reason = 'refused', detail = explanation }: InBandRefusal): Ending => ({
    by: 'gateway',
    reason,
    detail,
    tell: new ConnectionFault(code, explanation),
    patient: true,
    closeCode,
  }),
  /** @param at where it was to end at a quiet point */
  requested: ({ reason, code, explanation, closeCode }: EndRequest, at?: EndedAt): Ending => ({
    by: 'gateway',
    reason,
    detail: explanation,
    tell: new ConnectionFault(code, explanation),
    at,
    closeCode,
  }),
}

/** Of a 320: there is nobody, or nothing, to come back to. RabbitMQ: `user 'NAME' is deleted`, `vhost 'NAME' is deleted`. */
const IS_DELETED = /\bdeleted\b/

/** A 320 otherwise: the node goes into maintenance, shuts down, or somebody closed the connection there. */
function mayReturn({ replyCode, replyText }: Fields<'connection.close'>): boolean {
  return replyCode === HARD_CODES['connection-forced'] && !IS_DELETED.test(replyText)
}

/** The broker's own `connection.close`: same code, same method, and a text that is fit for the client. */
export function peerClosed(close: Fields<'connection.close'>, known: KnownNames): Ending {
  const { classId, methodId } = close
  const replyText = safeReplyText(close.replyCode, close.replyText, known)
  return {
    by: 'broker',
    reason: 'broker-closed',
    detail: `${close.replyCode} ${close.replyText}`,
    tell: { replyCode: close.replyCode, replyText, caused: { classId, methodId } },
    closeCode: mayReturn(close) ? CLOSE_CODES.serviceRestart : CLOSE_CODES.normal,
  }
}

/** What is reported of a session that is over. */
export function sessionEnd(
  { by, reason, detail, failure, at, closeCode, tell }: Ending,
  node: string,
  figures: Pick<SessionEnd, 'durationMs' | 'bytesFromClient' | 'bytesToClient'>,
): SessionEnd {
  return {
    by,
    reason,
    detail,
    ...(failure ? { failure } : {}),
    ...(node === '' ? {} : { node }),
    ...(tell ? { replyCode: tell.replyCode } : {}),
    at,
    closeCode,
    ...figures,
  }
}
