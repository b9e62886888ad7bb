/**
 * What an upgrade request must look like before anybody asks whose it is. [RFC 6455 §4.2.1, RFC 9112 §6]
 *
 * Node hands over any request that says `Upgrade`, with any method, version and body, and keeps one of several equal
 * headers; a proxy in front may keep another one. Everything that two readers could read differently is refused. What a
 * proxy may do to a request and all read alike is not: lists in other words, lines of `Connection` that were added, and
 * `Content-Length: 0`, which says that nothing follows. [RFC 9110 §5.3, §7.6.1, §8.6]
 */
import type { IncomingMessage } from 'node:http'
import { listOf } from './tokens.ts'

export interface HeadProblem {
  readonly status: 400 | 405 | 426 | 431
  /** For the client and the log: says what was expected, never what was sent. */
  readonly detail: string
  readonly headers?: Readonly<Record<string, string>>
}

type Head = Pick<IncomingMessage, 'method' | 'httpVersion' | 'url' | 'headers' | 'rawHeaders'>

/** Headers of which a second one would make two readers see two requests. */
const ONCE: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'origin',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
])

/** Headers that announce bytes after the head, which Node would pass on as WebSocket bytes. */
const BODY = ['transfer-encoding', 'trailer', 'expect'] as const

/** More are refused; the size of the head is the listener's business. */
const MOST_HEADERS = 100

const KEY = /^[+/0-9A-Za-z]{22}==$/

/**
 * The first thing wrong with an upgrade request, if there is one.
 *
 * @param identityHeaders names in lower case of the headers by which a trusted proxy says who somebody is
 */
export function checkUpgradeHead(request: Head, identityHeaders: readonly string[] = []): HeadProblem | undefined {
  const { headers } = request
  if (request.method !== 'GET') return { status: 405, detail: 'expected the method GET', headers: { Allow: 'GET' } }
  if (request.httpVersion !== '1.1') return bad('expected HTTP/1.1')
  if (request.url?.startsWith('/') !== true || request.url.includes('#'))
    return bad('expected a path as request target')
  const problem = checkHeaders(request.rawHeaders, identityHeaders)
  if (problem !== undefined) return problem
  if (!/^0*$/.test(headers['content-length'] ?? '')) return bad('expected no body')
  for (const name of BODY) if (headers[name] !== undefined) return bad(`expected no body and no ${name} header`)
  // Node asks for it in every request but those that upgrade. [RFC 9112 §3.2]
  if (headers.host === undefined) return bad('expected a Host header')
  if (listOf(headers.upgrade).join() !== 'websocket') return bad('expected the header Upgrade: websocket alone')
  if (headers['sec-websocket-version'] !== '13') {
    return {
      status: 426,
      detail: 'expected WebSocket version 13',
      headers: { 'Sec-WebSocket-Version': '13', Upgrade: 'websocket' },
    }
  }
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) return bad('expected a Sec-WebSocket-Key of 16 bytes in base64')
  return undefined
}

/**
 * What no request may have, upgrade or not: too many headers, one of the above twice, or an identity header in a
 * spelling that other programs take for it (`X_Forwarded_User` reaches many a backend as `X-Forwarded-User`).
 */
export function checkHeaders(
  rawHeaders: readonly string[],
  identityHeaders: readonly string[],
): HeadProblem | undefined {
  if (rawHeaders.length > 2 * MOST_HEADERS) return { status: 431, detail: `expected at most ${MOST_HEADERS} headers` }
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const plain = name.replaceAll('_', '-')
    if (!ONCE.has(plain) && !identityHeaders.includes(plain)) continue
    if (plain !== name) return bad(`expected ${plain} to be spelt with hyphens`)
    if (seen.has(plain)) return bad(`expected one ${plain} header`)
    seen.add(plain)
  }
  return undefined
}

/** The path of a request target as it was sent: nothing is decoded, so `%2f`, `..` and `;` match no service. */
export function pathOf(target: string | undefined): string {
  const text = target ?? ''
  const query = text.indexOf('?')
  return query === -1 ? text : text.slice(0, query)
}

function bad(detail: string): HeadProblem {
  return { status: 400, detail }
}
