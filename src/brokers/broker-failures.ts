/**
 * What a broker may have against a session, as one table: what an operator does about it, and what rests meanwhile. A
 * credential that the broker does not take is tried again after growing intervals, not once for each client: that would
 * flood its log, and lock accounts. docs/promotion.md shows it.
 */
import type { BrokerFailure } from '../../proxy/index.ts'

export interface FailureSpec {
  /** At most 256 characters: a line of the log has room for no more. */
  readonly remedy: string
  /** What is not tried again at once: the credential, the credential in that vhost, or the broker. Absent: nothing rests. */
  readonly rests?: 'credential' | 'vhost' | 'broker'
  /** Longest interval between two attempts. */
  readonly longestRestMs?: number
}

/** What goes away by itself as soon as a session ends is asked for more often. */
const LIMIT_REST_MS = 10_000

export const BROKER_FAILURES: Readonly<Record<BrokerFailure, FailureSpec>> = {
  'login-refused': {
    remedy:
      'Wrong password or unknown user: RabbitMQ answers both alike. Test it by `rabbitmqctl authenticate_user USER`. Correct the secret here, or use `rabbitmqctl change_password` there. With tokens: check issuer key, audience and expiry.',
    rests: 'credential',
  },
  'loopback-only': {
    remedy: 'This user may log in from the machine of the broker only: promote to another user.',
    rests: 'credential',
  },
  'mechanism-unknown': {
    remedy:
      'The broker offers no SASL mechanism that the credential can answer: compare `auth_mechanisms` of the broker, and its plugin rabbitmq_auth_mechanism_ssl for EXTERNAL.',
    rests: 'credential',
  },
  challenged: {
    remedy: 'The broker wants a second step of SASL: leave PLAIN, AMQPLAIN or EXTERNAL in its `auth_mechanisms`.',
    rests: 'credential',
  },
  'vhost-unknown': {
    remedy:
      'There is no such vhost at the broker: `rabbitmqctl add_vhost VHOST`, or another `vhost` of service or rule.',
    rests: 'vhost',
  },
  'vhost-refused': {
    remedy:
      'The broker user has no permission in this vhost: `rabbitmqctl set_permissions -p VHOST USER CONFIGURE WRITE READ`. With tokens: the scopes.',
    rests: 'vhost',
  },
  'impersonator-missing': {
    remedy:
      'Messages carry the `user-id` of the person (`stamp: { userId: subject }`), and the broker accepts that only from users with a tag: `rabbitmqctl set_user_tags USER impersonator`, or stamp with `userId: broker`.',
    rests: 'credential',
  },
  'user-limit': {
    remedy:
      'The broker user has reached its limit of connections: `rabbitmqctl set_user_limits USER`, or spread people over several users.',
    rests: 'credential',
    longestRestMs: LIMIT_REST_MS,
  },
  'vhost-limit': {
    remedy: 'The vhost has reached its limit of connections: `rabbitmqctl set_vhost_limits -p VHOST`.',
    rests: 'vhost',
    longestRestMs: LIMIT_REST_MS,
  },
  'node-limit': {
    remedy: 'The broker node has reached its limit of connections: see `connection_max` of the broker.',
    rests: 'broker',
    longestRestMs: LIMIT_REST_MS,
  },
  'secret-refused': {
    remedy:
      'The broker did not take the fresh token: same user, audience and issuer as before? RabbitMQ says why in its own log. Brokers without connection.update-secret need `renew: false`.',
  },
  'secret-expired': {
    remedy:
      'The gateway got no fresh token before the old one expired: see the detail, and check the token endpoint or the module.',
  },
  tls: {
    remedy:
      'TLS with the broker failed; nothing was sent. Certificate expired, for another name (`tls.serverName`), of another authority (`tls.ca`), no TLS at that port, or our client certificate not taken: the detail says which.',
    rests: 'broker',
  },
  timeout: {
    remedy: 'The broker did not answer in time: check firewall, load and port.',
  },
  unreachable: {
    remedy: 'Nothing answers there: is the broker running? Check name, port and the network between.',
  },
  maintenance: {
    remedy: 'Nothing, if an operator put the node into maintenance mode; `rabbitmq-upgrade revive` takes it back.',
  },
  'hung-up': {
    remedy:
      'The broker ended the connection in the handshake without a word: see its log. A port where something other than AMQP is spoken does that, a PROXY protocol setting of one side only, and before 4.1 a start-ok above 4096 bytes (long tokens).',
  },
  other: { remedy: 'The detail has the words of the broker; its own log may say more.' },
}
