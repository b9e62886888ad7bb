/**
 * The phases of a session: what is waited for, from whom, what may follow, and which deadline hangs on it. One table;
 * the diagram in docs/architecture.md is generated from it, and nothing but `Course.enter` moves along it.
 *
 * A session that is to be refused in band walks the same way as far as `start-ok`: clients expect a `start` before a
 * `connection.close`.
 */
import type { MethodName } from '../codec/spec.ts'

interface Row {
  /** Whose turn it is. While it is the broker's, nothing is read from the client. */
  readonly turn: 'client' | 'broker' | 'both' | 'none'
  readonly waitsFor: string
  /** The one method that moves the session on, where there is one. */
  readonly method?: MethodName
  readonly deadline: 'handshake' | 'liveness' | 'close' | 'none'
  readonly next: readonly string[]
}

export const PHASES = {
  header: {
    turn: 'client',
    waitsFor: "the client's protocol header",
    deadline: 'handshake',
    next: ['start', 'start-ok', 'closed'],
  },
  start: {
    turn: 'broker',
    waitsFor: "the broker's connection.start",
    method: 'connection.start',
    deadline: 'handshake',
    next: ['start-ok', 'closed'],
  },
  'start-ok': {
    turn: 'client',
    waitsFor: "the client's connection.start-ok",
    method: 'connection.start-ok',
    deadline: 'handshake',
    next: ['tune', 'closing', 'closed'],
  },
  tune: {
    turn: 'broker',
    waitsFor: "the broker's connection.tune",
    method: 'connection.tune',
    deadline: 'handshake',
    next: ['tune-ok', 'closing', 'closed'],
  },
  'tune-ok': {
    turn: 'client',
    waitsFor: "the client's connection.tune-ok",
    method: 'connection.tune-ok',
    deadline: 'handshake',
    next: ['open', 'closing', 'closed'],
  },
  open: {
    turn: 'client',
    waitsFor: "the client's connection.open",
    method: 'connection.open',
    deadline: 'handshake',
    next: ['open-ok', 'closing', 'closed'],
  },
  'open-ok': {
    turn: 'broker',
    waitsFor: "the broker's connection.open-ok",
    method: 'connection.open-ok',
    deadline: 'handshake',
    next: ['probe', 'relay', 'closing', 'closed'],
  },
  probe: {
    turn: 'broker',
    waitsFor: "the broker's answer whether it takes another's user-id, where messages are stamped with one",
    deadline: 'handshake',
    next: ['relay', 'closing', 'closed'],
  },
  relay: { turn: 'both', waitsFor: 'any legal frame, both ways', deadline: 'liveness', next: ['closing', 'closed'] },
  closing: {
    turn: 'client',
    waitsFor: 'the close-ok that is owed; everything else is dropped',
    method: 'connection.close-ok',
    deadline: 'close',
    next: ['closed'],
  },
  closed: { turn: 'none', waitsFor: 'nothing', deadline: 'none', next: [] },
} as const satisfies Record<string, Row>

export type Phase = keyof typeof PHASES

/** Whether the table has an arrow from one phase to the other. */
export function follows(from: Phase, to: Phase): boolean {
  return (PHASES[from].next as readonly Phase[]).includes(to)
}
