/**
 * The reasons for which sessions end, as one table: how loud the log is about it, what the client sees, and what an
 * operator does. docs/errors.md shows it. What is sent is decided by the session itself.
 */
import type { EndReason } from '../../proxy/index.ts'
import type { EventSpec } from '../ops/events.ts'

export interface EndSpec {
  readonly level: EventSpec['level']
  /** AMQP reply code and WebSocket close code, in an operator's words. */
  readonly clientSees: string
  readonly whatToDo: string
}

export const ENDS: Readonly<Record<EndReason, EndSpec>> = {
  'client-closed': {
    level: 'info',
    clientSees: '`close-ok`, 1000',
    whatToDo: 'Nothing: this is how sessions should end.',
  },
  'client-lost': {
    level: 'info',
    clientSees: '–',
    whatToDo: 'Nothing: a tab was closed or a network went away. Many at once: look at the proxy in front.',
  },
  'client-dead': {
    level: 'info',
    clientSees: '320, 1001',
    whatToDo: 'Nothing: two pings went unanswered. A proxy in front may hold connections of clients that are gone.',
  },
  'client-fault': {
    level: 'warn',
    clientSees: 'the AMQP exception, 1002',
    whatToDo: 'The detail names the rule that the client broke. The client has a defect, or is an attacker.',
  },
  'text-message': {
    level: 'warn',
    clientSees: '501, 1003',
    whatToDo: 'The client sends text where AMQP is binary: set `binaryType`, or send an ArrayBuffer.',
  },
  'message-too-large': {
    level: 'warn',
    clientSees: '1009',
    whatToDo: 'Raise `limits.message`, or find the client that sends so much before its session is open.',
  },
  'handshake-timeout': {
    level: 'warn',
    clientSees: '320, 1008',
    whatToDo: 'The detail names the phase, and so the slow peer: client or broker. `limits.handshake` is the deadline.',
  },
  'broker-unavailable': {
    level: 'error',
    clientSees: '541, 1013',
    whatToDo: 'No URL of the broker answered; the detail says why for each.',
  },
  'broker-refused': {
    level: 'error',
    clientSees: '403, 1011',
    whatToDo:
      'The broker refused the promoted credential or its vhost: compare it with `rabbitmqctl authenticate_user`.',
  },
  'broker-lost': {
    level: 'error',
    clientSees: '320, 1012',
    whatToDo: "The broker's socket ended without a `connection.close`: see the broker's log and the network between.",
  },
  'renewal-failed': {
    level: 'error',
    clientSees: '320, 1013',
    whatToDo:
      'The broker credential was about to expire. The broker refused the fresh token, or the gateway could not get one. The detail says which.',
  },
  'broker-closed': {
    level: 'info',
    clientSees: "the broker's own code, 1000; 1012 after a 320 of maintenance, shutdown or an operator",
    whatToDo: "The detail has the broker's own text; the client reads it without broker user, hosts and pinned vhost.",
  },
  'broker-fault': {
    level: 'error',
    clientSees: '541, 1011',
    whatToDo: 'The broker broke the protocol. Please report it with the detail.',
  },
  'authority-ended': {
    level: 'info',
    clientSees: '320 with the reason, 4401',
    whatToDo: 'The token expired, `sessionTimeout` passed, or access was revoked; the detail says which.',
  },
  'configuration-changed': {
    level: 'info',
    clientSees: '320, 1012 where it may come back, else 4403',
    whatToDo: 'A reload ended it: service, rule, role, Origin, address, authenticator, broker, user or vhost changed.',
  },
  'entitlement-ended': {
    level: 'info',
    clientSees: '320 with the reason, 4403, or 1013 where nobody answers',
    whatToDo:
      'The entitlement service said no, its grant ended, or it has not answered for `staleFor`: the detail says which.',
  },
  kicked: {
    level: 'info',
    clientSees: '320 with the reason, 1012',
    whatToDo: 'Somebody ended it through the management API: the audit event `admin.kick` says who and why.',
  },
  blocked: {
    level: 'info',
    clientSees: '320, 4403',
    whatToDo: 'Somebody blocked this person: the audit event `admin.block` says who and why.',
  },
  drain: {
    level: 'info',
    clientSees: '320, 1012',
    whatToDo: 'Nothing: somebody stopped or drained the gateway. The client connects again, to another one.',
  },
  rebalanced: {
    level: 'info',
    clientSees: '320, 1012',
    whatToDo: 'Nothing: its broker node had more sessions than others (`rebalance`). The client connects again.',
  },
  overload: {
    level: 'warn',
    clientSees: '506, 1013',
    whatToDo:
      'All sessions together held too much, or the heap stayed full. This session held most: a slow reader, or a huge message.',
  },
  refused: { level: 'info', clientSees: 'see the causes above', whatToDo: 'The line of the refusal says why.' },
  'internal-error': {
    level: 'error',
    clientSees: '541, 1011',
    whatToDo: 'A fault of the gateway. Please report it with the detail.',
  },
}
