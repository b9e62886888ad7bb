/** Opens the store that the configuration names, with everything that is kept in it. */
import type { SecretSources } from '../../auth/index.ts'
import { ConfigError } from '../config/reading/problems.ts'
import type { StateConfig } from '../config/schema/schema.ts'
import type { Log } from '../ops/log.ts'
import type { StateMetrics } from '../ops/state-metrics.ts'
import { readState } from './access.ts'
import { storeClients } from './client.ts'
import { StoreKeys } from './keys.ts'
import { Sealer } from './sealing.ts'
import { SharedState } from './shared-state.ts'
import { problemOf, startProblem } from './start-check.ts'
import { Store } from './store.ts'

export interface OpenOptions {
  readonly sources: SecretSources
  readonly load: (module: string) => Promise<unknown>
  readonly log: Log
  readonly metrics: StateMetrics
}

/** What gateways of one `state` share, as one of them reaches it. */
export class SharedStore {
  readonly store: Store
  readonly authState: SharedState

  private constructor(store: Store, authState: SharedState) {
    this.store = store
    this.authState = authState
  }

  /** Starts whether the store is there or not. @throws {ConfigError} where it is there and can never serve */
  static async open(config: StateConfig, { sources, load, log, metrics }: OpenOptions): Promise<SharedStore> {
    const { access, keys: keyring } = await readState(config, sources)
    const client = (await storeClients(load))(access)
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
          log.write('state-away', { url, detail })
        },
        back: () => {
          metrics.up = true
          log.write('state-back', { url })
        },
      },
    })
    await store.start()
    const look = { client, kind: access.kind, key: probeKey, timeoutMs: 4 * config.timeout }
    const problem = (store.isUp ? undefined : problemOf(store.why)) ?? (await startProblem(look))
    if (problem !== undefined) {
      store.close()
      throw new ConfigError([{ path: 'state', message: `${url}: ${problem}` }])
    }
    const authState = new SharedState({
      store,
      sealer: new Sealer(keyring),
      keys,
      replicaCount: () => 1,
      fallenBack: (kind) => metrics.fallenBack(kind),
    })
    return new SharedStore(store, authState)
  }

  close(): void {
    this.store.close()
  }
}
