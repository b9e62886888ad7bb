/** Opens the store that the configuration names, with everything that is kept in it. */
import type { SecretSources } from '../../auth/index.ts'
import { ConfigError } from '../config/reading/problems.ts'
import type { StateConfig } from '../config/schema/schema.ts'
import type { Log } from '../ops/log.ts'
import type { StateMetrics } from '../ops/state-metrics.ts'
import { readState } from './access.ts'
import { type StoreClient, storeClients } from './client.ts'
import { StoreKeys } from './keys.ts'
import { Leases } from './leases.ts'
import type { EndedUntil } from './logins/logins.ts'
import { NewsStream, type Received } from './news/news.ts'
import { Questions } from './news/questions.ts'
import { BLOCK_MS, StreamReader } from './news/reader.ts'
import { Replies } from './news/replies.ts'
import { SharesStream } from './news/shares-stream.ts'
import { TakenStream } from './news/taken-stream.ts'
import { Replicas } from './replicas.ts'
import { Sealer } from './sealing.ts'
import { SharedState } from './shared-state.ts'
import { startProblem, storeProblemOf } from './start-check.ts'
import { Store } from './store.ts'

/** Answers of a store that does not let the gateway in. Of the others it may be another server's turn. */
const DENIED = /^(WRONGPASS|NOAUTH|NOPERM)\b/

export interface OpenOptions {
  readonly sources: SecretSources
  readonly load: (module: string) => Promise<unknown>
  readonly log: Log
  readonly metrics: StateMetrics
}

interface Parts {
  readonly store: Store
  readonly reader: StoreClient
  readonly sealer: Sealer
  readonly keys: StoreKeys
  readonly metrics: StateMetrics
}

/** Who acts on what other gateways say, and passes on what ends here. */
export interface Follower {
  received(received: Received): unknown
  /** What this gateway answers to a question of another; undefined: nothing. Must not reject. */
  answer(question: unknown): Promise<unknown>
  loginsEnded(scope: string, logins: EndedUntil): void
  /** Another gateway says what is used there of shares. */
  shares(gateway: string, shares: unknown): void
}

/** What gateways of one `state` share, as one of them reaches it. */
export class SharedStore {
  readonly store: Store
  readonly authState: SharedState
  readonly leases: Leases
  readonly replicas: Replicas
  readonly news: NewsStream
  readonly questions: Questions
  readonly shares: SharesStream
  readonly #reader: StreamReader
  #follower: Follower = {
    received: () => undefined,
    answer: async () => undefined,
    loginsEnded: () => undefined,
    shares: () => undefined,
  }

  private constructor({ store, reader, sealer, keys, metrics }: Parts) {
    this.store = store
    this.replicas = new Replicas({ store, sealer, keys: keys.of('m') })
    const replicaCount = () => this.replicas.count
    this.leases = new Leases({
      store,
      sealer,
      keys: keys.of('n'),
      replicaCount,
      fallenBack: () => metrics.fallenBack('sessions'),
    })
    this.authState = new SharedState({
      store,
      sealer,
      keys,
      replicaCount,
      fallenBack: (kind) => metrics.fallenBack(kind),
      loginsEnded: (scope, logins) => this.#follower.loginsEnded(scope, logins),
      ticketTaken: (name, untilMs) => taken.tell(name, untilMs),
    })
    const own = { store, sealer, keys: keys.of('r'), self: this.replicas.id }
    const between = { ...own, replies: new Replies(own), others: () => this.replicas.others }
    this.news = new NewsStream({
      ...between,
      received: (received) => this.#follower.received(received),
      unwritten: () => metrics.fallenBack('revocations'),
    })
    this.questions = new Questions({ ...between, answer: (question) => this.#follower.answer(question) })
    const taken = new TakenStream({
      ...own,
      taken: (name, untilMs) => this.authState.ticketTakenElsewhere(name, untilMs),
    })
    this.shares = new SharesStream({ ...own, said: (gateway, shares) => this.#follower.shares(gateway, shares) })
    this.#reader = new StreamReader(reader, store, [this.news, this.questions, taken, this.shares])
  }

  /** Who acts on what other gateways say, from now on. */
  follow(follower: Follower): void {
    this.#follower = follower
    this.#reader.start()
  }

  /** Starts whether the store is there or not. @throws {ConfigError} where it is there and can never serve */
  static async open(config: StateConfig, { sources, load, log, metrics }: OpenOptions): Promise<SharedStore> {
    const { access, keys: keyring } = await readState(config, sources)
    const make = await storeClients(load)
    const client = make(access)
    const keys = new StoreKeys(config.prefix)
    const probeKey = keys.of('probe')('')
    const url = config.urls.map(({ host, port }) => `${host}:${port}`).join(' ')
    const store = new Store({
      client,
      timeoutMs: config.timeout,
      probeKey,
      observer: {
        answered: (op, seconds, isFailure) => metrics.answered(op, seconds, isFailure),
        away: (detail) => {
          metrics.up = false
          const problem = DENIED.test(detail) ? storeProblemOf(detail) : undefined
          log.write('state-away', { url, detail: problem ?? detail })
        },
        back: () => {
          metrics.up = true
          log.write('state-back', { url })
        },
      },
    })
    await store.start()
    const look = { client, kind: access.kind, key: probeKey, timeoutMs: 4 * config.timeout }
    const problem = (store.isUp ? undefined : storeProblemOf(store.why)) ?? (await startProblem(look))
    if (problem !== undefined) {
      store.close()
      throw new ConfigError([{ path: 'state', message: `${url}: ${problem}` }])
    }
    return new SharedStore({ store, reader: make(access, BLOCK_MS), sealer: new Sealer(keyring), keys, metrics })
  }

  close(): void {
    this.leases.close()
    this.replicas.close()
    this.#reader.close()
    this.store.close()
  }
}
