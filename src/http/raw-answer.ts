/**
 * An HTTP answer written straight to the socket of an upgrade request that is refused: Node has no response object for
 * those. The connection always ends with it.
 */
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** How long a client may take to read a refusal before its socket is destroyed. */
const LINGER_MS = 2_000

export interface RawAnswer {
  readonly status: number
  /** One line for a person; it repeats nothing that the client sent. */
  readonly text: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

/** Answers and ends the connection. Does nothing on a socket that is gone. */
export function answerRaw(socket: Duplex, answer: RawAnswer): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
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
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
  // What the client still sends is read and dropped: unread bytes would turn our answer into a reset.
  socket.resume()
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

/** Header values are ours or an operator's; a line break in one would begin another header. */
function headerValue(value: string): string {
  return value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?')
}
