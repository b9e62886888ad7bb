/**
 * The exceptions of AMQP 0-9-1, by the specification's own names.
 *
 * A connection exception ends the session, a channel exception ends one channel. `replyText` is the only text a peer
 * ever sees: it never quotes input, names a host or a broker user. `message` is for operators.
 */

/** Reply codes that close a channel only. [AMQP §4.8.2] */
export const SOFT_CODES = {
  'content-too-large': 311,
  'no-route': 312,
  'no-consumers': 313,
  'access-refused': 403,
  'not-found': 404,
  'resource-locked': 405,
  'precondition-failed': 406,
} as const

/** Reply codes that close the connection. [AMQP §4.8.2] */
export const HARD_CODES = {
  'connection-forced': 320,
  'invalid-path': 402,
  'frame-error': 501,
  'syntax-error': 502,
  'command-invalid': 503,
  'channel-error': 504,
  'unexpected-frame': 505,
  'resource-error': 506,
  'not-allowed': 530,
  'not-implemented': 540,
  'internal-error': 541,
} as const

export type SoftCode = keyof typeof SOFT_CODES
export type HardCode = keyof typeof HARD_CODES
export type ReplyCode = SoftCode | HardCode

/** What a `close` method says of the method that caused it: its dotted name's class and method id, or 0 and 0. */
export interface Cause {
  readonly classId: number
  readonly methodId: number
}

const NO_CAUSE: Cause = { classId: 0, methodId: 0 }

/** The reply text of RabbitMQ's form: the code's name in capitals, a dash, an explanation; at most 255 bytes. */
export function replyText(code: ReplyCode, explanation: string): string {
  return fitShortstr(`${code.replaceAll('-', '_').toUpperCase()} - ${explanation}`)
}

/** As much of a text as a short string takes: 255 bytes. */
export function fitShortstr(text: string): string {
  return fitBytes(text, 255)
}

/** As much of a text as so many bytes take. */
export function fitBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= bytesMax) return text
  // Cut at a character boundary: the decoder drops an unfinished sequence into U+FFFD, which is removed again.
  return bytes
    .subarray(0, bytesMax)
    .toString()
    .replace(/\uFFFD+$/, '')
}

/** A connection exception: `connection.close` with this code and text, then the WebSocket is closed. [AMQP §4.8.1] */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault'
  readonly code: ReplyCode
  readonly replyCode: number
  readonly replyText: string
  readonly explanation: string
  readonly caused: Cause

  /** Any reply code may close a connection: on channel 0 even the soft ones do (403 for a refused login). */
  constructor(code: ReplyCode, explanation: string, caused: Cause = NO_CAUSE) {
    const text = replyText(code, explanation)
    super(text)
    this.code = code
    this.replyCode = { ...SOFT_CODES, ...HARD_CODES }[code]
    this.replyText = text
    this.explanation = explanation
    this.caused = caused
  }
}

/** A channel exception: `channel.close` with this code and text on one channel; the session goes on. [AMQP §4.8.1] */
export class ChannelFault extends Error {
  override readonly name = 'ChannelFault'
  readonly code: SoftCode
  readonly replyCode: number
  readonly replyText: string
  readonly explanation: string
  readonly caused: Cause

  constructor(code: SoftCode, explanation: string, caused: Cause = NO_CAUSE) {
    const text = replyText(code, explanation)
    super(text)
    this.code = code
    this.replyCode = SOFT_CODES[code]
    this.replyText = text
    this.explanation = explanation
    this.caused = caused
  }
}

/** WebSocket close codes the gateway uses. [RFC 6455 §7.4.1, §7.4.2] */
export const CLOSE_CODES = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  policyViolation: 1008,
  tooLarge: 1009,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  unauthenticated: 4401,
  forbidden: 4403,
} as const
