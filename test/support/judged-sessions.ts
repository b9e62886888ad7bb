/**
 * Reloads without sockets: real configurations are compiled as the gateway compiles them, and sessions are their filters, with
 * the record by which they are judged. A session does what its filters let pass, and nothing else.
 */
import { type Identity, MemoryState } from '../../auth/index.ts'
import { parseConfig } from '../../src/config/reading/load.ts'
import type { Config, ConfigInput } from '../../src/config/schema/schema.ts'
import { compileGeneration, type Generation } from '../../src/gateway/generation.ts'
import { Lasting } from '../../src/gateway/lasting.ts'
import { Reload, type ReloadHost } from '../../src/gateway/reloading/reload.ts'
import { Log } from '../../src/ops/log.ts'
import { Metrics } from '../../src/ops/metrics.ts'
import { Traffic } from '../../src/ops/traffic.ts'
import type { FilterBasis } from '../../src/services/filter-basis.ts'
import type { PromotedTerms, Service, Terms } from '../../src/services/service.ts'
import type { Judged } from '../../src/sessions/judge.ts'
import type { Occupant } from '../../src/sessions/place.ts'
import type { SessionRecord } from '../../src/sessions/record.ts'
import { FilterSession } from './filter-session.ts'

/** Who connects, and from where. */
export interface Visitor {
  readonly identity: Identity
  readonly origin: string | undefined
  readonly address: string
}

export class JudgedSession {
  readonly record: SessionRecord
  readonly visitor: Visitor
  readonly filters: FilterSession
  /** Largest message that it may send. */
  messageBytes: number
  #basis: FilterBasis

  constructor(id: string, service: Service, visitor: Visitor, promoted: PromotedTerms) {
    const { identity, address } = visitor
    const vhost = 'pinned' in promoted.vhosts ? promoted.vhosts.pinned : promoted.vhosts.allowed[0]
    this.visitor = visitor
    this.#basis = promoted.basis
    this.messageBytes = promoted.limits.messageBytes
    this.record = {
      id,
      service: service.path,
      identity,
      rule: promoted.rule,
      broker: service.broker,
      node: undefined,
      vhost,
      client: undefined,
      user: promoted.credential.username ?? '',
      address,
      startedAtMs: 0,
      expiresAtMs: undefined,
      bytesFromClient: 0,
      bytesToClient: 0,
      channels: 0,
      consumers: 0,
      messagesFromClient: 0,
      messagesToClient: 0,
    }
    const { subject, issuer } = identity
    this.filters = new FilterSession(promoted.filters, {
      id,
      identity: { subject, issuer, address },
      brokerUser: this.record.user,
      vhost: vhost ?? '',
    })
  }

  get judged(): Judged {
    const { origin } = this.visitor
    return { ...this.record, origin, basis: this.#basis, entitled: undefined }
  }

  /** As it is, that is: a judge finds out whether that was right. */
  keep(): void {}

  adopt(_service: Service, terms: Terms): void {
    if (!terms.basis.equals(this.#basis)) {
      this.filters.exchange(terms.filters)
      this.messageBytes = terms.limits.messageBytes
    }
    this.#basis = terms.basis
  }
}

/** A gateway with configurations and sessions, and nothing else. */
export class JudgedGateway implements ReloadHost {
  readonly #lasting = new Lasting(new MemoryState(), () => undefined)
  /** Of the log, since somebody took them. */
  readonly lines: string[] = []
  readonly #log = new Log('info', { write: (line) => this.lines.push(line) })
  readonly #metrics = new Metrics({ traffic: new Traffic(), bufferedBytes: () => 0, auditLostCount: () => 0 })
  readonly #reload = new Reload(this)
  readonly sessions = new Set<JudgedSession>()
  readonly isStopping = false
  readonly env: Readonly<Record<string, string>>
  #current: Generation | undefined
  #next: ConfigInput | undefined

  constructor(env: Readonly<Record<string, string>>) {
    this.env = env
  }

  get current(): Generation {
    if (this.#current === undefined) throw new Error('not started')
    return this.#current
  }

  async start(config: ConfigInput): Promise<void> {
    const compiled = await this.#compiled(parseConfig(config, { env: this.env }).config)
    compiled.comesIntoForce()
    this.#current = compiled.generation
  }

  async reload(config: ConfigInput, dryRun = false) {
    this.#next = config
    return await this.#reload.run({ dryRun })
  }

  read() {
    if (this.#next === undefined) throw new Error('nothing to read')
    return parseConfig(this.#next, { env: this.env })
  }

  async prepare(config: Config) {
    const compiled = await this.#compiled(config)
    return {
      next: compiled.generation,
      apply: async () => {
        compiled.comesIntoForce()
        this.#current = compiled.generation
      },
      abandon: () => compiled.abandon(),
    }
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await work()
  }

  liveSessions(): Iterable<Occupant> {
    return this.sessions as unknown as Iterable<Occupant>
  }

  end(chosen: readonly { readonly session: Occupant }[]): void {
    for (const { session } of chosen) this.sessions.delete(session as unknown as JudgedSession)
  }

  close(): void {
    this.#metrics.close()
  }

  async #compiled(config: Config) {
    return await compileGeneration(config, {
      number: (this.#current?.number ?? 0) + 1,
      lasting: this.#lasting,
      metrics: this.#metrics,
      log: this.#log,
      env: this.env,
      folder: process.cwd(),
      before: this.#current,
    })
  }
}
