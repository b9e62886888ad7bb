/** What people who manage did, and what they were refused, in the audit trail. */
import type { AdminEvent } from '../../proxy/index.ts'
import type { ReloadRefused, ReloadReport } from '../gateway/reloading/report.ts'
import type { Log } from '../ops/log.ts'
import { RefusalWindow } from '../ops/refusal-window.ts'
import type { Caller } from './caller.ts'
import type { ApiProblem } from './problem.ts'

type Details = Omit<AdminEvent, 'event' | 'actor' | 'actorIssuer' | 'actorAddress' | 'role'>

/** Who did it: somebody at the management API, or the program that started the gateway. */
export type Actor = Pick<Caller, 'identity' | 'role' | 'address'> | 'program'

export class AdminTrail {
  readonly #log: Log
  readonly #refusals = new RefusalWindow()

  constructor(log: Log) {
    this.#log = log
  }

  done(event: AdminEvent['event'], actor: Actor, details: Details): void {
    this.#write({ event, ...fieldsOf(actor), outcome: 'done', ...details })
  }

  /** Anybody can cause these at will: they are bounded. */
  refused(event: AdminEvent['event'], caller: Caller | undefined, { status, message }: ApiProblem): void {
    if (!this.#refusals.admits()) return
    const who = caller === undefined ? {} : fieldsOf(caller)
    this.#write({ event, ...who, outcome: 'refused', status, detail: message }, this.#refusals.suppressed())
  }

  /** Whoever asked for it: a signal, the file, the API, the program. */
  reloaded({ generation, hash, changes, sessions }: ReloadReport): void {
    const places = JSON.stringify(changes)
    this.#write({ event: 'config.reloaded', outcome: 'done', generation, hash, changes: places, ...sessions })
  }

  reloadRefused({ errors }: ReloadRefused): void {
    this.#write({ event: 'config.reloaded', outcome: 'refused', detail: errors.join('\n') })
  }

  #write(event: AdminEvent, suppressed?: number): void {
    if (this.#log.audit(event, { suppressed })) this.#refusals.told()
  }
}

function fieldsOf(actor: Actor): Pick<AdminEvent, 'actor' | 'actorIssuer' | 'actorAddress' | 'role'> {
  if (actor === 'program') return { actor }
  const { identity, role, address } = actor
  return { actor: identity.subject, actorIssuer: identity.issuer, actorAddress: address, role }
}
