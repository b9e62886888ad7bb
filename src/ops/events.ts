/**
 * Every line the gateway can log, and every field a line can have. docs/logging.md shows these tables and a test
 * compares them.
 *
 * A field that is not named here cannot be logged: there is none for a credential, a header or a query string.
 */

type Level = 'debug' | 'info' | 'warn' | 'error'

export interface EventSpec {
  readonly level: Level
  readonly means: string
  /** At most so many lines in ten seconds, of each `cause`; the next line then says how many were `suppressed`. */
  readonly perTenSeconds?: number
  /** Its `detail` speaks of the operator's own file, all of it: so many characters, where a peer's text has 256. */
  readonly longestDetail?: number
}

/** A hundred mistakes, each with its place. */
const WHOLE_FILE = 8_192

export const EVENTS = {
  'gateway-started': { level: 'info', means: 'listens at `url`, and serves `paths`' },
  'gateway-draining': { level: 'info', means: 'takes no more sessions and ends `count` of them evenly' },
  'gateway-undrained': { level: 'info', means: 'a drain was called off: sessions are taken again, `count` are left' },
  'gateway-stopped': { level: 'info', means: 'all sessions have ended' },
  'worker-started': {
    level: 'info',
    means: 'the process `worker` of several takes connections, `durationMs` after it was told to begin',
  },
  'worker-ended': {
    level: 'error',
    means:
      'the process `worker` ended without being asked to, as `detail` says, and its `count` connections with it; another one takes its place after `pauseMs`',
  },
  'worker-failed': {
    level: 'error',
    means: 'a process that takes the place of `worker` could not begin to serve; `detail` says why',
  },
  'admin-started': { level: 'info', means: 'health and metrics are served at `url`' },
  'reload-done': {
    level: 'info',
    means: 'a new configuration is in force; `detail` lists the changes and the effect on sessions',
    longestDetail: WHOLE_FILE,
  },
  'reload-refused': {
    level: 'error',
    means: 'the new configuration has a mistake, and nothing has changed; `detail` says where and why',
    longestDetail: WHOLE_FILE,
  },
  'admin-refused': {
    level: 'warn',
    means:
      'the admin listener was called by a name that `admin.hosts` does not list: by a stranger’s page, or yours is missing',
    perTenSeconds: 1,
  },
  'blocks-not-kept': {
    level: 'error',
    means: 'a block, or its end, is in force but not in the file of `blocks`: a restart forgets it; `detail` says why',
  },
  'state-away': {
    level: 'error',
    means:
      'the store that gateways share at `url` does not answer, or takes no writes; `detail` says why. docs/scaling.md says what goes on without it. Written again when the reason changes',
  },
  'state-back': { level: 'info', means: 'the store that gateways share answers, and takes writes' },
  'broker-node-away': {
    level: 'warn',
    means:
      'a node of a broker refused, did not answer in time or is in maintenance, and is left out; it had `count` sessions. Written once',
  },
  'broker-node-back': {
    level: 'info',
    means: 'the node answers again; `count` sessions were refused since another node was back, because none was there',
  },
  'broker-rebalanced': {
    level: 'info',
    means: 'nodes of the broker have more sessions than others: `count` of them are asked to reconnect',
  },
  'configuration-warning': {
    level: 'warn',
    means: 'the configuration is unsafe or surprising in the way `detail` says',
  },
  'request-refused': {
    level: 'info',
    means: 'no HTTP, no well-formed request or upgrade, an unknown path, or a method that the path does not have',
    perTenSeconds: 20,
  },
  'origin-refused': {
    level: 'warn',
    means: 'a page of an origin that the service does not list; `allow` is the configuration line that would list it',
    perTenSeconds: 20,
  },
  'authentication-refused': { level: 'info', means: 'no valid credential', perTenSeconds: 20 },
  'authentication-failed': {
    level: 'error',
    means: 'the gateway could not authenticate: a fault of its own, or of a server that it asks',
    perTenSeconds: 20,
  },
  'authorization-refused': {
    level: 'warn',
    means: 'the identity lacks a role, a promotion rule or the right address; `allow` is the line that would let it in',
    perTenSeconds: 20,
  },
  'claims-left-out': {
    level: 'info',
    means:
      'somebody is admitted although the provider left groups or other claims out of the token: rules that look for these do not match',
    perTenSeconds: 20,
  },
  'promotion-failed': {
    level: 'error',
    means: 'a rule matched, but the gateway could not make its credential, for instance because a secret is missing',
    perTenSeconds: 20,
  },
  'entitlements-failed': {
    level: 'error',
    means:
      'an entitlement service gave no answer in time, or none that is one; a client was refused, or `count` live sessions keep the last answer',
    perTenSeconds: 5,
  },
  'recheck-failed': {
    level: 'error',
    means:
      'an authenticator could not look again whether a proof still holds, as `detail` says; `count` live sessions go on',
    perTenSeconds: 5,
  },
  'limit-refused': {
    level: 'warn',
    means: 'too many attempts, handshakes or sessions, or requests on one connection',
    perTenSeconds: 20,
  },
  'overload-refused': { level: 'warn', means: 'the process is short of memory or file descriptors', perTenSeconds: 5 },
  'overload-shed': { level: 'warn', means: 'the session that held most bytes was ended', perTenSeconds: 20 },
  'keys-unavailable': {
    level: 'error',
    means: 'the gateway cannot fetch the key set of an issuer; it uses the last one for up to a day',
  },
  'keys-available': { level: 'info', means: 'the gateway can fetch the key set of an issuer again' },
  'proxy-header-refused': {
    level: 'warn',
    means: 'a connection to a listener with `proxyProtocol` was dropped, for the `cause`',
    perTenSeconds: 5,
  },
  'tls-failed': { level: 'info', means: 'a TLS handshake with a client failed, for the `cause`', perTenSeconds: 1 },
  'answer-unread': {
    level: 'info',
    means: 'a client did not read the answers to its requests; its connection was dropped',
    perTenSeconds: 1,
  },
  'ticket-issued': { level: 'debug', means: 'a one-time ticket was handed out' },
  'login-opened': { level: 'info', means: 'a user returned from the identity provider and has a login cookie now' },
  'login-renewed': { level: 'debug', means: 'a page renewed its login and the sessions opened with it' },
  'login-ended': { level: 'info', means: 'a page ended its login' },
  'revocation-failed': {
    level: 'warn',
    means: 'a login has ended here, but the provider did not take its refresh token back, as `detail` says',
    perTenSeconds: 5,
  },
  'session-opened': { level: 'debug', means: 'the broker accepted the promoted credential' },
  'session-ended': {
    level: 'info',
    means: 'one line for each session: identity, broker user, duration, bytes, and the reason of its end',
  },
  'broker-refused-method': {
    level: 'info',
    means:
      'the broker itself closed a channel or the connection with an error; `detail` is its own text, `user` may lack a right there',
    perTenSeconds: 20,
  },
  'sessions-revoked': { level: 'info', means: 'the authority of `count` sessions ended before its time' },
  'door-joined': { level: 'info', means: 'the door at `url` has connections of this gateway ready for clients' },
  'door-away': {
    level: 'warn',
    means:
      'the door at `url` cannot be reached, does not know the gateway, or fell silent; `detail` says why. Written again when the reason changes',
    perTenSeconds: 20,
  },
  'door-started': { level: 'info', means: 'a door takes clients at `url`' },
  'door-ready': { level: 'info', means: 'a door takes gateways at `url`' },
  'door-draining': { level: 'info', means: 'a door takes no more clients, and waits for `count` to leave' },
  'door-stopped': { level: 'info', means: 'a door has ended' },
  'door-gateway-joined': { level: 'info', means: 'the first connection of a `gateway` is at the door' },
  'door-gateway-left': { level: 'warn', means: 'the last connection of a `gateway` at the door has ended' },
  'door-gateway-silent': {
    level: 'info',
    means: 'a connection of a `gateway` that waited for a client has ended, as `detail` says',
    perTenSeconds: 5,
  },
  'door-gateway-refused': {
    level: 'warn',
    means: 'somebody at the inner port of a door was turned away',
    perTenSeconds: 5,
  },
  'door-client-refused': { level: 'info', means: 'a door dropped a client, for the `cause`', perTenSeconds: 5 },
  'internal-error': { level: 'error', means: 'a fault of the gateway itself; please report it', perTenSeconds: 20 },
} as const satisfies Record<string, EventSpec>

export type EventName = keyof typeof EVENTS

/** The fields, and what they hold. `text`: from a peer or a file, cut at 256 characters. */
export const FIELDS = {
  worker: 'the number of the process, where a gateway has several',
  session: 'the id of the session',
  service: 'the path of the service',
  subject: 'who the client is proven to be',
  issuer: 'who vouches for the subject',
  authenticator: 'the key of the authenticator in the configuration',
  user: 'the broker user',
  broker: 'the key of the broker in the configuration',
  node: 'the URL of the broker node',
  vhost: 'the vhost the session was opened in',
  gateway: 'the name of a gateway at a door, as its certificate carries it',
  address: 'the address of the client, after trusted proxies',
  origin: 'the Origin header, when it is one',
  by: 'who asked for the end: client, broker or gateway',
  reason: 'why the session ended, one of a closed set',
  cause: 'why it was refused, one of a closed set',
  detail: 'a sentence for operators',
  method: 'the AMQP method that was refused',
  resource: 'the queue or exchange it was refused for',
  allow: 'the configuration line that would have allowed it',
  remedy: 'what to do about it',
  pauseMs: 'for how long nobody tries the same again',
  status: 'the HTTP status of the answer, or 101 where the refusal went in band',
  replyCode: 'the AMQP reply code sent or received last',
  closeCode: 'the WebSocket close code',
  durationMs: 'from the upgrade to the end',
  bytesFromClient: 'bytes of AMQP received from the client',
  bytesToClient: 'bytes of AMQP sent to the client',
  count: 'how many',
  url: 'an address to connect to',
  paths: 'the paths of the services, separated by spaces',
  file: 'a file that was read',
  suppressed: 'lines of this event and cause that were left out since the last one',
} as const

export type FieldName = keyof typeof FIELDS
export type LogFields = { readonly [Name in FieldName]?: string | number | undefined }
