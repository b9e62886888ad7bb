/** The answers of the admin listener, as values; one place writes them, with the headers that no answer may lack. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiProblem } from './problem.ts'

export interface Answer {
  readonly status: number
  /** JSON where left out. */
  readonly type?: string | undefined
  /** Absent: no content. */
  readonly text?: string | undefined
  /** Writes the content, in place of `text`, for as long as it likes. */
  readonly stream?: ((response: ServerResponse) => void) | undefined
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** It serves no page, and nothing that may be kept or framed. */
const SECURITY_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const

export function json(status: number, body: unknown, headers?: Answer['headers']): Answer {
  return { status, text: `${JSON.stringify(body)}\n`, headers }
}

export function problemAnswer({ status, body, headers }: ApiProblem): Answer {
  return { ...json(status, body, headers), type: 'application/problem+json' }
}

/** Writes the answer. A body that nobody read ends the connection, so that it is no next request. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type = JSON_TYPE, text, stream, headers = {} }: Answer,
): void {
  if (response.headersSent || response.destroyed) return
  response.statusCode = status
  for (const [name, value] of Object.entries({ ...SECURITY_HEADERS, ...headers }))
    response.setHeader(name, typeof value === 'string' ? value : [...value])
  const mayHaveBody =
    request.headers['transfer-encoding'] !== undefined || (request.headers['content-length'] ?? '0') !== '0'
  if (!request.complete && mayHaveBody) response.setHeader('Connection', 'close')
  if (stream !== undefined) {
    response.setHeader('Content-Type', type)
    // Nothing is taken behind it on this connection.
    response.setHeader('Connection', 'close')
    if (request.method === 'HEAD') response.end()
    else stream(response)
    return
  }
  if (text !== undefined) {
    response.setHeader('Content-Type', type)
    response.setHeader('Content-Length', Buffer.byteLength(text))
  }
  response.end(request.method === 'HEAD' ? undefined : text)
}
