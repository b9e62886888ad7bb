/** Everything that a generation sets going when it comes into force, and that ends with it: metrics, files, logins, brokers. */
import { hashOf } from '../config/effective/hash.ts'
import { ownCertificates } from '../config/files/own-certificates.ts'
import type { CertificateEnd } from '../ops/limit-metrics.ts'
import { followLogins } from '../sessions/logins.ts'
import { allMade } from '../wiring/authenticators.ts'
import { expectSeries } from './expected-series.ts'
import type { Generation } from './generation.ts'
import type { GatewayParts } from './parts.ts'
import { ConfigWatch } from './reloading/config-watch.ts'
import { watchUsers } from './reloading/users-files.ts'
import type { Membership } from './replicas/membership.ts'
import { revoke } from './revoke.ts'

/** The gateway, as what is in force needs it. */
interface Ruled {
  readonly current: Generation
  requestReload(): void
}

export class InForce {
  readonly #ruled: Ruled
  readonly #parts: GatewayParts
  readonly #membership: Membership
  readonly #configWatch: ConfigWatch | undefined
  #certificates: readonly CertificateEnd[] = []
  #stopWatching = () => {}

  constructor(ruled: Ruled, parts: GatewayParts, membership: Membership) {
    this.#ruled = ruled
    this.#parts = parts
    this.#membership = membership
    const { file } = parts.options
    this.#configWatch = file === undefined ? undefined : new ConfigWatch(file, () => ruled.requestReload())
  }

  /** The present generation serves from now on. @param before the one that did so until now */
  begin(before?: Generation): void {
    const { log, sessions, metrics } = this.#parts
    const { current } = this.#ruled
    const { number, config, authenticators } = current
    // A worker has a part of the configuration: the primary shows the whole.
    if (this.#parts.berth === undefined) metrics.configured(number, hashOf(config))
    expectSeries(metrics, current)
    this.#certificates = ownCertificates(config)
    for (const { nodes, settings } of current.brokers.values()) nodes.apply(settings)
    const made = new Map([...authenticators].filter(([name, one]) => before?.authenticators.get(name) !== one))
    followLogins({ made, current: this.#ruled, sessions, log, others: this.#membership.logins })
    this.#membership.describe()
    // A failure is in the log, and is no reason not to serve others.
    const earlier = before === undefined ? new Set() : allMade(before)
    for (const one of allMade(current)) if (!earlier.has(one)) one.warmUp?.().catch(() => {})
    log.level = config.log.level
    if (config.watch && this.#configWatch === undefined)
      log.write('configuration-warning', { detail: 'watch: without meaning: this gateway was started without a file' })
    this.#configWatch?.follow(config.watch)
    this.#stopWatching()
    this.#stopWatching = watchUsers(current, {
      lost: (keys) => revoke(keys, { ...this.#parts, authenticators }),
      // The primary says it once for all its workers.
      failed: (file, detail) => {
        if (this.#parts.berth === undefined) log.write('reload-refused', { detail: `${file}: ${detail}` })
      },
    })
  }

  /** Those that the present generation shows. */
  get certificates(): readonly CertificateEnd[] {
    return this.#certificates
  }

  /** Nothing is watched any more. */
  stop(): void {
    this.#configWatch?.follow(false)
    this.#stopWatching()
  }
}
