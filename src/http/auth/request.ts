/**
 * One request to `/auth/*` and its answer, as values: routes decide, one place writes. Whatever a route forgets, the
 * security headers and the end of an unread body are there.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Service } from '../../services/service.ts'
import type { Hop } from '../hop.ts'

/** What a route is asked. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly hop: Hop
  readonly query: URLSearchParams
  /** The Origin header, already checked against the service's list where the route names a service. */
  readonly origin: string | undefined
  /** The service the request is for; `undefined` on routes that are for none. */
  readonly service: Service | undefined
}

export interface AuthAnswer {
  readonly status: number
  /** Sent as JSON; absent: no body. */
  readonly body?: unknown
  /** A page in place of it. */
  readonly html?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined
}

export type Method = 'GET' | 'POST'

/** A path under `/auth/`. */
export interface Route {
  readonly path: string
  readonly methods: readonly Method[]
  /**
   * Which service a request is for, by its query; `'ambiguous'` where it has to say and does not, `undefined` where it
   * names one that is none. Routes without this are for no service: no page of another origin may read them.
   */
  readonly serviceOf?: (query: URLSearchParams) => Service | 'ambiguous' | undefined
  /** Those that it is for; pages whose origin one of them lists may read which. */
  readonly services?: readonly Service[]
  /** Rejections become 500 and an `internal-error` in the log. */
  handle(exchange: Exchange): Promise<AuthAnswer>
}

/** Largest body a request to `/auth/*` may have. */
const BODY_BYTES = 16 * 1024

/** Every answer has them, but for a page that says what it needs. */
const SECURITY_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const

/** Whether a request announces more than it may bring; it is answered 413 and its connection ends. */
export function isTooLarge(request: IncomingMessage, mostBytes = BODY_BYTES): boolean {
  return Number(request.headers['content-length'] ?? 0) > mostBytes
}

/**
 * The body as text, at most 16 KiB where nothing else is said; `undefined` when it is larger or broke off. How long it may take is the listener's
 * `requestTimeout`.
 */
export async function readBody(request: IncomingMessage, mostBytes = BODY_BYTES): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > mostBytes) return undefined
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks).toString()
}

/** Writes the answer. A body that nobody read ends the connection, so that it is no next request. */
export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, html, headers = {} }: AuthAnswer,
): void {
  if (response.headersSent || response.destroyed) return
  const text = html ?? (body === undefined ? undefined : JSON.stringify(body))
  response.statusCode = status
  for (const [name, value] of Object.entries({ ...SECURITY_HEADERS, ...headers })) {
    response.setHeader(name, typeof value === 'string' ? value : [...value])
  }
  const hasUnreadBody = !request.complete && (request.headers['content-length'] ?? '0') !== '0'
  if (hasUnreadBody || request.headers['transfer-encoding'] !== undefined) response.setHeader('Connection', 'close')
  if (text !== undefined) {
    response.setHeader('Content-Type', `${html === undefined ? 'application/json' : 'text/html'}; charset=utf-8`)
    response.setHeader('Content-Length', Buffer.byteLength(text))
  } else if (status !== 204) response.setHeader('Content-Length', 0)
  response.end(request.method === 'HEAD' ? undefined : text)
}
