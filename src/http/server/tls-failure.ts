/** Why a TLS handshake failed, of a closed set; by the codes of Node.js and OpenSSL. */
import type { DropCause } from './drops.ts'

export interface TlsFailure {
  readonly cause: DropCause
  readonly detail: string
}

const NOT_TLS: Readonly<Record<string, string>> = {
  ERR_SSL_HTTP_REQUEST: 'plain HTTP came: the client has to use wss or https',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'a CONNECT request for a proxy came',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what came is no TLS: a PROXY protocol line, AMQP or another protocol',
}

export function tlsFailure(error: NodeJS.ErrnoException): TlsFailure {
  const { code = '', message } = error
  const notTls = NOT_TLS[code]
  if (notTls !== undefined) return { cause: 'not-tls', detail: notTls }
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT')
    return { cause: 'tls-timeout', detail: 'the handshake was not finished in time' }
  if (code.startsWith('ERR_')) return { cause: 'tls-refused', detail: message }
  return { cause: 'tls-abandoned', detail: message }
}
