/** Why a door does not take a connection, in words that say where to look. */

/** How far the connection came. */
export type DialStage =
  /** Nobody has answered yet. */
  | 'dialling'
  /** TCP is there, TLS is not. */
  | 'handshake'
  /** TLS is there; the door has not said that it takes us. */
  | 'judged'
  /** It waited for a client. */
  | 'ready'

const ENDED: Readonly<Record<DialStage, string>> = {
  dialling: 'the connection ended before the door answered',
  handshake:
    'the connection ended during TLS: is this the port of a door for gateways (`inner.port`), and does it run?',
  judged:
    'the door turned this gateway away: is its certificate expired, of another authority, or without a name of `inner.names`? The door logs why, as `door-gateway-refused`',
  ready: 'the door ended the connection',
}

const SILENT: Readonly<Record<DialStage, string>> = {
  dialling: 'no answer: does a firewall drop the packets, or is the machine away?',
  handshake: 'the connection is accepted, but TLS is not answered: is the door stopped, or is it another port?',
  judged: 'the door has sent no challenge: is it a door of this version, and does it run?',
  ready: 'the door has fallen silent',
}

/** By the codes of Node.js and OpenSSL. */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/^ERR_SSL_WRONG_VERSION_NUMBER$/, 'what answers speaks no TLS: is this the port of a door for gateways?'],
  [/^ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL$/, 'what answers is no door of this version'],
  [/^ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION$|^ERR_SSL_UNSUPPORTED_PROTOCOL$/, 'what answers speaks no TLS 1.3'],
]
const NOT_VOUCHED_FOR = /^SELF_SIGNED_|^DEPTH_ZERO_|^UNABLE_TO_|^INVALID_/
/** The other end is gone, which says nothing of why. */
const ABRUPT = /^(?:ECONNRESET|EPIPE|ECONNABORTED|)$/

/** The connection ended, with an error where there was one. */
export function endOf(stage: DialStage, error: NodeJS.ErrnoException | undefined): string {
  if (error === undefined || stage === 'ready') return error?.message ?? ENDED[stage]
  const { code = '', message } = error
  const known = CAUSES.find(([codes]) => codes.test(code))?.[1]
  if (known !== undefined) return known
  if (NOT_VOUCHED_FOR.test(code)) return `\`tls.ca\` does not vouch for the certificate that is shown: ${message}`
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return `the certificate of the door: ${message}`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `the certificate of the door has another name (\`tls.serverName\` sets the one expected): ${message}`
  return stage === 'dialling' || !ABRUPT.test(code) ? message : ENDED[stage]
}

/** Nothing has come for too long. */
export function silenceOf(stage: DialStage): string {
  return SILENT[stage]
}
