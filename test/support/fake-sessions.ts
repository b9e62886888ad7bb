/** Sessions without broker and WebSocket, for the registry. */
import type { Identity } from '../../auth/index.ts'
import type { EndRequest, Session } from '../../proxy/index.ts'
import { Lifetime } from '../../src/sessions/lifetime.ts'
import type { Occupant, Place } from '../../src/sessions/place.ts'
import type { SessionRecord } from '../../src/sessions/record.ts'
import type { Sessions } from '../../src/sessions/registry.ts'

export class FakeSession implements Session {
  readonly id: string
  bufferedBytes = 0
  bytesFromClient = 0
  bytesToClient = 0
  isEnding = false
  activity = { channels: 0, consumers: 0, messagesFromClient: 0, messagesToClient: 0 }
  renewBroker = async (): Promise<void> => undefined
  readonly ends: EndRequest[] = []
  ticks = 0
  nextTickMs = 0
  constructor(id: string) {
    this.id = id
  }
  receive(): void {}
  alive(): void {}
  clientGone(): void {}
  end(request: EndRequest): void {
    this.ends.push(request)
  }
  endAtQuietPoint(request: EndRequest): void {
    this.ends.push(request)
  }
  exchange(): void {}
  tick(): number {
    this.ticks++
    return this.nextTickMs
  }
}

export class FakeClient {
  readonly held: number
  terminated = false
  constructor(held = 0) {
    this.held = held
  }
}

class FakeOccupant implements Occupant {
  readonly entitled = undefined
  readonly id: string
  readonly #place: Place
  readonly #session: FakeSession
  readonly #client: FakeClient
  readonly #lifetime: Lifetime

  constructor(place: Place, session: FakeSession, client: FakeClient) {
    this.id = session.id
    this.#place = place
    this.#session = session
    this.#client = client
    this.#lifetime = new Lifetime(60_000, place.identity.expiresAtMs, (why) => place.endAuthority(why))
  }
  get record(): SessionRecord {
    const { identity, service } = this.#place
    return {
      id: this.id,
      service,
      identity,
      rule: 0,
      broker: 'main',
      node: undefined,
      vhost: undefined,
      client: undefined,
      user: 'webuser',
      address: '127.0.0.1',
      startedAtMs: 0,
      expiresAtMs: identity.expiresAtMs,
      bytesFromClient: 0,
      bytesToClient: 0,
      ...this.#session.activity,
    }
  }
  get isEnding(): boolean {
    return this.#session.isEnding
  }
  get bufferedBytes(): number {
    return this.#session.bufferedBytes
  }
  get assemblingBytes(): number {
    return this.#client.held
  }
  tick(): number {
    this.#lifetime.tick()
    return this.#session.tick()
  }
  end(request: EndRequest): void {
    this.#session.end(request)
  }
  endAtQuietPoint(request: EndRequest): void {
    this.#session.endAtQuietPoint(request)
  }
  terminate(): void {
    this.#client.terminated = true
  }
  goOn(): Promise<void> {
    return Promise.resolve()
  }
  renewed({ expiresAtMs }: Identity): void {
    this.#lifetime.renew(expiresAtMs)
  }
  released(): void {
    this.#lifetime.stop()
  }
  get judged(): never {
    throw new Error('not judged here')
  }
  keep(): void {}

  adopt(): void {}
  attach(): void {
    this.#lifetime.tick()
  }
}

export function begin(sessions: Sessions, place: Place, session: FakeSession, client = new FakeClient()): void {
  const live = new FakeOccupant(place, session, client)
  sessions.start(place, live)
  live.attach()
}

export function identity(subject: string, more: Partial<Identity> = {}): Identity {
  return { issuer: 'staff', subject, authenticator: 'staff', roles: [], claims: {}, fromCookie: false, ...more }
}
