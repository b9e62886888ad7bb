/**
 * `connection.update-secret` from the client, ended at the gateway: one at a time, and the secret overwritten when it
 * has been judged. What a fresh secret proves is decided outside; a refusal ends the connection. [RabbitMQ]
 */
import { ConnectionFault } from '../../faults.ts'
import type { Renewal } from '../ports.ts'

const CAUSE = { classId: 10, methodId: 70 }

export interface RenewalEvents {
  renewed(): void
  refused(fault: ConnectionFault): void
}

export class Renewals {
  readonly #renew: ((secret: Buffer) => Promise<Renewal>) | undefined
  readonly #events: RenewalEvents
  #underWay = false

  constructor(renew: ((secret: Buffer) => Promise<Renewal>) | undefined, events: RenewalEvents) {
    this.#renew = renew
    this.#events = events
  }

  /** @param secret a view on the client's bytes: copied, and overwritten where it stood. @throws ConnectionFault */
  ask(secret: Buffer): void {
    const copy = Buffer.alloc(secret.length)
    secret.copy(copy)
    secret.fill(0)
    if (this.#renew === undefined) throw refusal('this session cannot be renewed')
    if (this.#underWay) throw refusal('a renewal is under way already')
    this.#underWay = true
    this.#renew(copy)
      .then(
        (renewal) =>
          renewal.renewed ? this.#events.renewed() : this.#events.refused(refusal('the secret was not accepted')),
        () => this.#events.refused(refusal('the secret was not accepted')),
      )
      .finally(() => {
        copy.fill(0)
        this.#underWay = false
      })
  }
}

function refusal(explanation: string): ConnectionFault {
  return new ConnectionFault('not-allowed', explanation, CAUSE)
}
