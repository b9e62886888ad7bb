/**
 * The record of a session that lives. Each field is read from where it is known when somebody asks for it: thousands of
 * sessions are sorted and counted by a field or two.
 */
import type { Identity } from '../../auth/index.ts'
import type { ClientProduct, OpenedSession, Session } from '../../proxy/index.ts'
import type { Service } from '../services/service.ts'
import type { NewSession } from './new-session.ts'
import type { Place } from './place.ts'
import type { SessionRecord } from './record.ts'

export class LiveRecord implements SessionRecord {
  readonly id: string
  readonly user: string
  readonly address: string
  /** On a clock that nobody sets back: the order of age is that in which sessions have begun. */
  readonly startedAtMs = Math.round(performance.timeOrigin + performance.now())
  readonly #place: Place
  readonly #session: Session
  #servedAt: Service
  #rule: number
  #opened: OpenedSession | undefined

  constructor({ id, address, place, service, promoted }: NewSession, session: Session) {
    this.id = id
    this.user = promoted.credential.username
    this.address = address
    this.#place = place
    this.#session = session
    this.#servedAt = service
    this.#rule = promoted.rule
  }

  /** That of the present generation. */
  get servedAt(): Service {
    return this.#servedAt
  }

  /** Another generation serves it from now on. @param rule index of the one that wins there */
  moved(servedAt: Service, rule: number): void {
    this.#servedAt = servedAt
    this.#rule = rule
  }

  /** The broker has opened it. */
  opened(opened: OpenedSession): void {
    this.#opened = opened
  }

  get service(): string {
    return this.#servedAt.path
  }

  get identity(): Identity {
    return this.#place.identity
  }

  get rule(): number {
    return this.#rule
  }

  get broker(): string {
    return this.#servedAt.broker
  }

  get node(): string | undefined {
    return this.#opened?.broker
  }

  get vhost(): string | undefined {
    return this.#opened?.vhost
  }

  get client(): ClientProduct | undefined {
    return this.#opened?.client
  }

  get expiresAtMs(): number | undefined {
    return this.identity.expiresAtMs
  }

  get bytesFromClient(): number {
    return this.#session.bytesFromClient
  }

  get bytesToClient(): number {
    return this.#session.bytesToClient
  }

  get channels(): number {
    return this.#session.activity.channels
  }

  get consumers(): number {
    return this.#session.activity.consumers
  }

  get messagesFromClient(): number {
    return this.#session.activity.messagesFromClient
  }

  get messagesToClient(): number {
    return this.#session.activity.messagesToClient
  }
}
