/** Requests as an authenticator sees them, without a network: raw headers in the order given, parsed as Node does. */
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { AuthenticationRequest } from '../../auth/authenticator.ts'

export interface RequestParts {
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly url?: string
  readonly service?: string
  readonly origin?: string
  readonly address?: string
  readonly peerAddress?: string
  readonly socket?: Socket
  readonly isSecure?: boolean
}

export function authenticationRequest(parts: RequestParts = {}): AuthenticationRequest {
  const http = new IncomingMessage(parts.socket ?? new Socket())
  http.method = 'GET'
  http.url = parts.url ?? '/amqp'
  for (const [name, value] of parts.headers ?? []) {
    http.rawHeaders.push(name, value)
    const key = name.toLowerCase()
    const before = http.headers[key]
    if (before === undefined) http.headers[key] = value
    else if (key !== 'authorization') http.headers[key] = `${String(before)}${key === 'cookie' ? '; ' : ', '}${value}`
  }
  return {
    http,
    service: parts.service ?? '/amqp',
    origin: parts.origin,
    address: parts.address ?? '203.0.113.7',
    peerAddress: parts.peerAddress ?? parts.address ?? '203.0.113.7',
    isSecure: parts.isSecure ?? true,
  }
}
