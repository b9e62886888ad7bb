/**
 * What a listener received instead of a request: the answer to it, and its name for operators. Most of it is another
 * protocol, sent by a proxy or a client that was set up for one; to be called by its name is half of the remedy.
 */
import type { RefusalCause } from '../refusal.ts'

export interface Unreadable {
  readonly cause: RefusalCause
  readonly status: number
  /** For the client and the log: repeats nothing that was sent. */
  readonly detail: string
}

/** As Node hands it over: `rawPacket` is what it read last. */
export interface ReadError extends Error {
  readonly code?: string
  readonly rawPacket?: Buffer
}

/** How other protocols begin, in latin1. */
const PROTOCOLS: readonly [begins: string, detail: string][] = [
  ['\x16\x03', 'TLS came to a listener without tls'],
  ['PROXY ', 'a PROXY protocol line (version 1) came: set listen.proxyProtocol, or let the proxy send X-Forwarded-For'],
  [
    '\r\n\r\n\0\r\nQUIT\n',
    'a PROXY protocol header (version 2) came: set listen.proxyProtocol, or let the proxy send X-Forwarded-For',
  ],
  ['AMQP', 'AMQP came without a WebSocket around it'],
  ['PRI * HTTP/2', 'HTTP/2 came: expected HTTP/1.1'],
  ['SSH-', 'SSH came'],
]
const LONGEST_BEGINNING = 12

/** The rules that requests break, as Node's parser names them. */
const MALFORMED: Readonly<Record<string, string>> = {
  HPE_INVALID_METHOD: 'expected a method of HTTP',
  HPE_INVALID_URL: 'expected a path as request target',
  HPE_INVALID_VERSION: 'expected HTTP/1.1',
  HPE_INVALID_HEADER_TOKEN: 'expected each header on a line of its own, its name without spaces',
  HPE_INVALID_CONTENT_LENGTH: 'expected a number in Content-Length',
  HPE_UNEXPECTED_CONTENT_LENGTH: 'expected one Content-Length, or Transfer-Encoding',
  HPE_INVALID_TRANSFER_ENCODING: 'expected Transfer-Encoding: chunked alone, or Content-Length',
  HPE_INVALID_CHUNK_SIZE: 'expected the size of a chunk',
  HPE_INVALID_EOF_STATE: 'expected the rest of the request',
}

/** @param isFirst whether nothing could be read on this connection before */
export function describeUnreadable({ code = '', rawPacket }: ReadError, isFirst: boolean): Unreadable {
  const beginning = rawPacket?.toString('latin1', 0, LONGEST_BEGINNING) ?? ''
  const [, protocol] = (isFirst && PROTOCOLS.find(([begins]) => beginning.startsWith(begins))) || []
  if (protocol !== undefined) return { cause: 'not-http', status: 400, detail: protocol }
  if (code === 'HPE_HEADER_OVERFLOW') return { cause: 'bad-request', status: 431, detail: 'expected a smaller head' }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { cause: 'bad-request', status: 408, detail: 'expected the request sooner' }
  return { cause: 'bad-request', status: 400, detail: MALFORMED[code] ?? 'expected a request of HTTP/1.1' }
}
