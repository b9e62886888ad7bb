/** Why a door turns clients and gateways away, as one table: docs/reverse-connectivity.md shows it. */
import type { EventName } from '../../ops/events.ts'

export interface DoorRefusalSpec {
  readonly log: EventName
  readonly means: string
}

export const DOOR_REFUSALS = {
  'no-gateway': {
    log: 'door-client-refused',
    means:
      'No gateway had a free connection within `wait`: none is connected, or more clients arrive than `spare` allows.',
  },
  'unknown-site': {
    log: 'door-client-refused',
    means: 'The client names a host that is not in `listen.sites`, or none.',
  },
  'not-tls': {
    log: 'door-client-refused',
    means: 'The client sent something else than TLS: plain HTTP, AMQP, a scan.',
  },
  'hello-late': { log: 'door-client-refused', means: 'The client did not send the first message of TLS within 10 s.' },
  'address-limit': { log: 'door-client-refused', means: 'The address has `limits.connectionsPerAddress` clients.' },
  limit: { log: 'door-client-refused', means: 'The door has `limits.connections` clients.' },
  'no-descriptors': {
    log: 'door-client-refused',
    means: 'The process has too few file descriptors left: raise its limit (LimitNOFILE), two for each client.',
  },
  'gateway-tls': {
    log: 'door-gateway-refused',
    means:
      'Somebody at the inner port has no certificate, one of another authority, an expired one, or speaks no TLS 1.3.',
  },
  'gateway-name': { log: 'door-gateway-refused', means: 'The certificate carries none of `inner.names`.' },
  'gateway-protocol': { log: 'door-gateway-refused', means: 'The other end is no gateway, or one of another version.' },
  'gateway-limit': { log: 'door-gateway-refused', means: 'Too many connections of gateways wait, or connect at once.' },
} as const satisfies Record<string, DoorRefusalSpec>

export type DoorRefusal = keyof typeof DOOR_REFUSALS

/** Counts and logs what is turned away. */
export type Refuse = (cause: DoorRefusal, detail: string, address: string) => void
