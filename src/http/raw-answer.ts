/**
 * An HTTP answer written straight to the socket of a request that is refused where Node has no response object: an
 * upgrade, or what could not be read as a request. The connection always ends with it.
 */
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { endSocket } from './server/end-socket.ts'

export interface RawAnswer {
  readonly status: number
  /** One line for a person; it repeats nothing that the client sent. */
  readonly text: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

/** Answers and ends the connection. Does nothing on a socket that is gone. */
export function answerRaw(socket: Duplex, answer: RawAnswer): void {
  const body = `${answer.text}\n`
  const lines = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Refused'}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    ...Object.entries(answer.headers ?? {}).flatMap(([name, value]) =>
      (typeof value === 'string' ? [value] : value).map((one) => `${name}: ${headerValue(one)}`),
    ),
  ]
  endSocket(socket, `${lines.join('\r\n')}\r\n\r\n${body}`)
}

/** Header values are ours or an operator's; a line break in one would begin another header. */
function headerValue(value: string): string {
  return value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?')
}
