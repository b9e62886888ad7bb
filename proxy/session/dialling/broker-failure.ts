/**
 * Why a broker did not take a session, as a closed set: from what it said, or from how its socket failed. Texts are
 * RabbitMQ's own, 3.8 to 4.x; what is not recognised is `other`, never a guess. For operators only.
 */

export type BrokerFailure =
  | 'login-refused' // wrong password or unknown user: RabbitMQ tells both alike
  | 'loopback-only' // a user that may log in from the broker's own machine only
  | 'mechanism-unknown' // the broker offers no SASL mechanism that the credential can answer
  | 'challenged' // the broker wants a second SASL step
  | 'vhost-unknown'
  | 'vhost-refused' // the user has no permission in the vhost
  | 'impersonator-missing' // the user may not publish under the user-id that the session's messages carry
  | 'user-limit' // connections of the user
  | 'vhost-limit' // connections in the vhost
  | 'node-limit' // connections of the whole node
  | 'secret-refused' // a fresh secret in connection.update-secret
  | 'secret-expired' // no fresh secret could be had before the old one's end
  | 'tls' // no certificate chain, another name, no TLS at all, no client certificate
  | 'timeout'
  | 'unreachable' // refused, no route, unknown host
  | 'maintenance' // the node has sent its clients away
  | 'hung-up' // the socket ended without a word in the handshake
  | 'other'

const SAID: readonly (readonly [number, RegExp, BrokerFailure])[] = [
  [403, /can only connect via localhost/, 'loopback-only'],
  [403, /login was refused/i, 'login-refused'],
  [530, /user connection limit/, 'user-limit'],
  [530, /node connection limit/, 'node-limit'],
  [530, /connection limit/, 'vhost-limit'],
  [530, /vhost .*not found/, 'vhost-unknown'],
  [530, /access to vhost .* refused/, 'vhost-refused'],
]

/** What a broker's `connection.close` in the opening handshake means. */
export function failureSaid(replyCode: number, replyText: string): BrokerFailure {
  return SAID.find(([code, pattern]) => code === replyCode && pattern.test(replyText))?.[2] ?? 'other'
}

/** What the end of a socket before `open-ok` means. */
export function failureOfSocket(error: NodeJS.ErrnoException | undefined): BrokerFailure {
  if (error === undefined) return 'hung-up'
  return isTlsError(error) ? 'tls' : 'hung-up'
}

/** Whether it is TLS's own complaint, ours or the peer's alert, not the network's. */
function isTlsError({ code = '' }: NodeJS.ErrnoException): boolean {
  // OpenSSL's codes of verification have no prefix of their own: SELF_SIGNED_CERT_IN_CHAIN, CERT_HAS_EXPIRED, …
  return /^ERR_SSL_|^ERR_TLS_|^EPROTO$|CERT|^UNABLE_TO_|^HOSTNAME_MISMATCH$/.test(code)
}

/** Of several URLs, what can be said of all of them. */
export function commonFailure(failures: readonly BrokerFailure[]): BrokerFailure {
  const [first] = failures
  return first !== undefined && failures.every((failure) => failure === first) ? first : 'unreachable'
}

/** An error of a socket in an operator's words. */
export function errorText(error: unknown): string {
  // Node reports a host with several addresses as an AggregateError with an empty message.
  if (error instanceof AggregateError) return error.errors.map(errorText).join(', ')
  if (!(error instanceof Error)) return String(error)
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'no TLS is spoken there (wrong version number)'
  if (!code.startsWith('ERR_SSL_') && code !== 'EPROTO') return error.message
  // OpenSSL: thread, "error", number, library, function, reason, source file and line.
  return error.message.split(':')[5]?.trim() || code
}
