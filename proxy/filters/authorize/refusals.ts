/**
 * Saying no: the exception a client reads, and the audit event an operator reads. In shadow mode only the latter.
 *
 * A refusal names the need and the *subject*; never the broker user, nor whether the resource exists. Names in it are the
 * client's own words, cut short and without control characters.
 */

import type { Audit, AuditDetails } from '../../audit.ts'
import { type FromClient, METHODS } from '../../codec/spec.ts'
import { type Cause, ChannelFault, ConnectionFault, type SoftCode } from '../../faults.ts'
import type { FilterRefusal, SessionView } from '../filter.ts'
import type { Authorizer, Need } from './authorizer.ts'

const SHOWN_CHARACTERS = 64

/** Every method answers undefined in shadow mode: what was refused is let through. */
export class Refusals {
  readonly #session: SessionView
  readonly #policy: Authorizer
  readonly #audit: Audit

  constructor(session: SessionView, policy: Authorizer, audit: Audit) {
    this.#session = session
    this.#policy = policy
    this.#audit = audit
  }

  /** A permission is lacking. */
  need(method: FromClient, channel: number, need: Need): FilterRefusal | undefined {
    return this.#refuse(method, channel, this.#sentence(textOf(need)), 'access-refused', need)
  }

  /** The value of `reply-to` is no queue that may be read. */
  replyTo(channel: number, need: Need): FilterRefusal | undefined {
    return this.#refuse('basic.publish', channel, `reply-to: ${this.#sentence(textOf(need))}`, 'access-refused', need)
  }

  /** A name that is not fit to be decided upon. */
  unfitName(method: FromClient, channel: number, { permission, kind }: Need): FilterRefusal | undefined {
    return this.what(method, channel, `${permission} on a ${kind} with control characters in its name`)
  }

  /** An argument that is not allowed. */
  argument(method: FromClient, channel: number, key: string, how: string): FilterRefusal | undefined {
    return this.what(method, channel, `argument '${shown(key)}' ${how}`)
  }

  /** Something no permission allows; the sentence goes on with "refused for" and the subject. */
  what(method: FromClient, channel: number, what: string): FilterRefusal | undefined {
    return this.because(method, channel, this.#sentence(what))
  }

  /**
   * What the broker does not implement, in its own words: it would end the connection. Clients look for the code, and a
   * broker that implements it must not get it, either.
   */
  unimplemented(method: FromClient, channel: number, says: string): FilterRefusal | undefined {
    if (!this.#mustRefuse(method, channel, { what: says })) return undefined
    return { fault: new ConnectionFault('not-implemented', says, causeOf(method)) }
  }

  because(
    method: FromClient,
    channel: number,
    explanation: string,
    code: SoftCode = 'access-refused',
  ): FilterRefusal | undefined {
    return this.#refuse(method, channel, explanation, code)
  }

  /** The exception for a permission that was withdrawn after it had been used. */
  lost(method: FromClient, need: Need): ChannelFault {
    return fault(method, this.#sentence(textOf(need)), 'access-refused')
  }

  #sentence(what: string): string {
    return `${what} refused for '${shown(this.#session.identity.subject)}'`
  }

  #refuse(
    method: FromClient,
    channel: number,
    explanation: string,
    code: SoftCode,
    need?: Need,
  ): FilterRefusal | undefined {
    if (!this.#mustRefuse(method, channel, need ?? { what: explanation })) return undefined
    return { fault: fault(method, explanation, code) }
  }

  /** Writes it down. @returns whether it is not only written down */
  #mustRefuse(method: FromClient, channel: number, details: AuditDetails): boolean {
    const { enforce } = this.#policy
    const event = enforce ? 'permission.refused' : 'permission.would-refuse'
    const mayGoOn = this.#audit.record(event, { method, channel, ...details })
    return enforce || !mayGoOn
  }
}

function fault(method: FromClient, explanation: string, code: SoftCode): ChannelFault {
  return new ChannelFault(code, explanation, causeOf(method))
}

function causeOf(method: FromClient): Cause {
  const [classId, methodId] = METHODS[method].id
  return { classId, methodId }
}

function textOf({ permission, kind, name, routingKey }: Need): string {
  const key = routingKey === undefined ? '' : ` for routing key '${shown(routingKey)}'`
  return `${permission} on ${kind} '${shown(name)}'${key}`
}

function shown(text: string): string {
  const characters = Array.from(text.replace(/\p{C}/gu, '?'))
  return characters.length <= SHOWN_CHARACTERS
    ? characters.join('')
    : `${characters.slice(0, SHOWN_CHARACTERS - 1).join('')}…`
}
