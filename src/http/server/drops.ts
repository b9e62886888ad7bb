/**
 * The causes for which a listener drops a connection without an answer, as one table: how the log calls them, and what
 * they mean. docs/errors.md shows it.
 */
import type { EventName, EventSpec } from '../../ops/events.ts'

export interface DropSpec {
  readonly log: EventName
  /** Where the event's own is too loud. */
  readonly level?: EventSpec['level']
  readonly means: string
}

export const DROPS = {
  'tls-timeout': {
    log: 'tls-failed',
    means: 'The TLS handshake was not finished within 10 s. Many at once: somebody holds connections open.',
  },
  'tls-refused': {
    log: 'tls-failed',
    means:
      'No TLS session came about: an old version, no common cipher, a missing or invalid certificate. The detail is OpenSSL’s.',
  },
  'not-tls': {
    log: 'tls-failed',
    means: 'The client sent no TLS to a listener with `tls`: plain HTTP, a PROXY protocol line, AMQP.',
  },
  'tls-abandoned': {
    log: 'tls-failed',
    level: 'debug',
    means: 'The client went away before its TLS handshake was finished, as the checks of load balancers do.',
  },
  'proxy-untrusted': {
    log: 'proxy-header-refused',
    means:
      'Somebody who is not in `trustedProxies` connected to a listener with `proxyProtocol`: a client went around the proxy, or a proxy is missing in the list.',
  },
  'proxy-header': {
    log: 'proxy-header-refused',
    means: 'A trusted proxy sent no PROXY protocol header, or a malformed one. The detail says what was expected.',
  },
  'proxy-timeout': {
    log: 'proxy-header-refused',
    means: 'A trusted proxy did not send the whole PROXY protocol header within 5 s.',
  },
  'proxy-abandoned': {
    log: 'proxy-header-refused',
    level: 'debug',
    means: 'A trusted proxy went away before its PROXY protocol header, as its health checks do.',
  },
  'answer-unread': {
    log: 'answer-unread',
    means: 'The client did not read an answer within 30 s.',
  },
  'no-descriptors': {
    log: 'overload-refused',
    means: 'The process has too few file descriptors left for another connection.',
  },
} as const satisfies Record<string, DropSpec>

export type DropCause = keyof typeof DROPS
