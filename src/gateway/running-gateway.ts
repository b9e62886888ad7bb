/**
 * A running gateway. Nothing is decided here; this is where everything that decides meets, and the order in which it starts
 * and stops.
 */
import { hostname } from 'node:os'
import { FromCode } from '../admin/from-code.ts'
import { SessionRefusals } from '../admin/live/session-refusals.ts'
import { Management } from '../admin/management.ts'
import type { Blocked, BlockPerson, Kick, Kicked, SessionPage, SessionQuery } from '../admin/shapes.ts'
import { AdminTrail } from '../admin/trail.ts'
import { staticChanges } from '../config/checks/static-places.ts'
import { hashOf } from '../config/effective/hash.ts'
import { ownCertificates } from '../config/files/own-certificates.ts'
import { type LoadedConfig, loadConfig, parseConfig } from '../config/reading/load.ts'
import { readDrain } from '../config/reading/read-drain.ts'
import type { Config, ConfigInput } from '../config/schema/schema.ts'
import type { CertificateEnd } from '../ops/limit-metrics.ts'
import { descriptorLimit, Pressure } from '../ops/pressure.ts'
import { heapRatio } from '../ops/read-metrics.ts'
import { version } from '../ops/version.ts'
import { Drain } from '../sessions/drain.ts'
import { configurationChanged } from '../sessions/end-requests.ts'
import { followLogins } from '../sessions/logins.ts'
import type { Occupant } from '../sessions/place.ts'
import type { Ticker } from '../sessions/ticker.ts'
import type { ReplicaRecord } from '../state/replicas.ts'
import { allMade } from '../wiring/authenticators.ts'
import { Administration } from './administration.ts'
import { expectSeries } from './expected-series.ts'
import { compileGeneration, type Generation } from './generation.ts'
import { InheritedSockets } from './inherited-sockets.ts'
import { type Listeners, type ListenersPlan, listenerOptions } from './listeners.ts'
import { makeListeners } from './make-listeners.ts'
import { makeTicker } from './make-ticker.ts'
import type { GatewayParts } from './parts.ts'
import type { DrainOptions, Gateway, GatewayAddress, GatewayReload } from './ports.ts'
import { rebalance } from './rebalance.ts'
import { ConfigWatch } from './reloading/config-watch.ts'
import { notedReload } from './reloading/noted.ts'
import { type EndedByReload, type Prepared, Reload, type ReloadHost } from './reloading/reload.ts'
import type { ReloadReport } from './reloading/report.ts'
import { ReloadRequests } from './reloading/requests.ts'
import { revoke } from './revoke.ts'
import { followNews, loginNews, othersOf } from './shared-news.ts'
import { watchUsers } from './users-files.ts'

/** For clients that had connected when the next process took the socket over. */
const HAND_OVER_MS = 1_000

export class RunningGateway implements Gateway, ReloadHost {
  readonly #parts: GatewayParts
  readonly #pressure: Pressure
  readonly #ticker: Ticker
  readonly #inherited: InheritedSockets
  readonly #listeners: Listeners
  readonly #trail: AdminTrail
  readonly #administration: Administration | undefined
  readonly #fromCode: FromCode
  readonly #reload = new Reload(this)
  readonly #requests = new ReloadRequests(() => this.reload())
  readonly #configWatch: ConfigWatch | undefined
  readonly #drain: Drain
  readonly #management: Management
  #generation: Generation
  #input: ConfigInput | Config
  #certificates: readonly CertificateEnd[] = []
  #stopWatching = () => {}
  #upgradeCount = 0
  #closing: Promise<void> | undefined

  constructor(first: Generation, parts: GatewayParts) {
    this.#generation = first
    this.#input = parts.input
    this.#parts = parts
    const { file } = parts.options
    this.#configWatch = file === undefined ? undefined : new ConfigWatch(file, () => this.requestReload())
    const { log, sessions, metrics } = parts
    const sockets = () => sessions.placeCount + this.#listeners.socketCount
    const counted = { sockets, descriptorLimit: descriptorLimit() }
    this.#pressure = new Pressure({ heapRatio, ...counted })
    this.#inherited = new InheritedSockets(parts.options.inherited ?? [])
    this.#drain = new Drain(sessions)
    this.#listeners = makeListeners({
      ...parts,
      serving: this,
      bars: parts.compiling.lasting.bars,
      ticketCookies: parts.compiling.lasting.ticketCookies,
      pressure: this.#pressure,
      drain: this.#drain,
      inherited: this.#inherited,
      upgrading: () => {
        this.#upgradeCount += 1
      },
    })
    this.#ticker = makeTicker({
      ...parts,
      pressure: this.#pressure,
      authenticators: () => this.#generation.authenticators,
      tick: () => this.#tick(),
    })
    metrics.watchNodes(() => this.#generation.brokers.values())
    metrics.watchDoors(() => this.#listeners.behindDoors.flatMap(({ links }) => links))
    metrics.watchLimits({ ...counted, isDraining: () => this.#drain.isOn, certificates: () => this.#certificates })
    const trail = new AdminTrail(log)
    this.#trail = trail
    const sessionRefusals = new SessionRefusals()
    this.#management = new Management({
      sessions,
      bars: parts.compiling.lasting.bars,
      trail,
      log,
      drain: this.#drain,
      drainTerms: () => this.#generation.config.drain,
      isStopping: () => this.#closing !== undefined,
      refusals: sessionRefusals,
      blocksFile: parts.blocksFile,
      others: parts.shared === undefined ? undefined : othersOf(parts.shared),
      current: () => this.#generation,
    })
    this.#fromCode = new FromCode(this.#management)
    const { admin } = first.config
    const isDraining = () => this.#drain.isOn
    this.#administration =
      admin === undefined
        ? undefined
        : new Administration(admin, {
            managed: this,
            management: this.#management,
            trail,
            sessionRefusals,
            isDraining,
            ...parts,
          })
  }

  async start(): Promise<void> {
    try {
      const plan = await this.#listeners.plan(listenerOptions(this.#generation.config))
      plan.apply()
      this.#inherited.assertTaken()
      await this.#administration?.server.start()
    } catch (error) {
      await this.#stop()
      throw error
    }
    const { log } = this.#parts
    const { config, basePath } = this.#generation
    const paths = config.services.map(({ path }) => basePath.atListener(path)).join(' ')
    for (const { url } of this.#listeners.withAddress) log.write('gateway-started', { url, paths })
    const { adminAddress } = this
    if (adminAddress !== undefined) log.write('admin-started', { url: adminAddress.url })
    const { shared } = this.#parts
    if (shared !== undefined) followNews(shared, { ...this.#parts, management: this.#management })
    this.#inForce()
  }

  /** What this gateway says of itself to those that share their state with it. */
  #record(): ReplicaRecord {
    const { number, config } = this.#generation
    const name = `${hostname()}:${this.addresses[0]?.port ?? 0}`
    return { name, version: version(), generation: number, hash: hashOf(config), sessions: this.sessionCount }
  }

  /** For whatever serves a request: read once, at its beginning. */
  get current(): Generation {
    return this.#generation
  }

  get addresses(): readonly GatewayAddress[] {
    return this.#listeners.withAddress.map(({ host, port, url }) => ({ host, port, url }))
  }

  get hasFile(): boolean {
    return this.#parts.options.file !== undefined
  }

  get adminAddress(): GatewayAddress | undefined {
    if (this.#administration === undefined) return undefined
    const { host, port, url } = this.#administration.server
    return { host, port, url }
  }

  get sessionCount(): number {
    return this.#parts.sessions.count
  }

  get relayedBytes(): number {
    const { bytesFromClients, bytesToClients } = this.#parts.traffic
    return bytesFromClients + bytesToClients
  }

  get upgradeCount(): number {
    return this.#upgradeCount
  }

  async reload({ config, ...options }: GatewayReload = {}): Promise<ReloadReport> {
    const before = this.#input
    if (config !== undefined) this.#input = config
    const reload = () => this.#reload.run(options)
    try {
      if (options.dryRun !== true) return await notedReload(reload, { ...this.#parts, trail: this.#trail })
      const report = await reload()
      this.#input = before
      return report
    } catch (error) {
      this.#input = before
      throw error
    }
  }

  sessions(query?: SessionQuery): SessionPage {
    return this.#fromCode.sessions(query)
  }

  kick(order: Kick): Kicked {
    return this.#fromCode.kick(order)
  }

  async block(order: BlockPerson): Promise<Blocked> {
    return await this.#fromCode.block(order)
  }

  requestReload(): void {
    if (this.#closing === undefined) this.#requests.ask()
  }

  /** For a reload, as the three that follow. */
  read(text: string | undefined): LoadedConfig {
    const { env = process.env, file, folder } = this.#parts.options
    const more = (config: Config) => staticChanges(this.#generation.config, config)
    if (text !== undefined) return parseConfig(text, { env, file, folder, more })
    if (file !== undefined) return loadConfig(file, env, { more })
    return parseConfig(this.#input, { env, folder })
  }

  async prepare(config: Config): Promise<Prepared> {
    const before = this.#generation
    const number = before.number + 1
    const compiled = await compileGeneration(config, { ...this.#parts.compiling, number, before })
    let plan: ListenersPlan
    let changeAdmin: (() => void) | undefined
    try {
      changeAdmin = config.admin === undefined ? undefined : this.#administration?.server.change(config.admin)
      plan = await this.#listeners.plan(listenerOptions(config))
    } catch (error) {
      compiled.abandon()
      throw error
    }
    return {
      next: compiled.generation,
      apply: () => {
        this.#generation = compiled.generation
        plan.apply()
        changeAdmin?.()
        this.#parts.compiling.lasting.endHoldOffs()
        const { authenticators } = compiled.generation
        revoke(compiled.comesIntoForce(), { ...this.#parts, authenticators })
        this.#inForce(before)
      },
      abandon: () => {
        plan.abandon()
        compiled.abandon()
      },
    }
  }

  liveSessions(): Iterable<Occupant> {
    return this.#parts.sessions.each()
  }

  /** Who cannot come back is ended first: nothing is gained by waiting. */
  end(chosen: readonly EndedByReload[]): void {
    const { sessions } = this.#parts
    const { over, quiet } = this.#generation.config.drain
    for (const mayReturn of [false, true]) {
      const ends = chosen.filter((one) => one.mayReturn === mayReturn).map(({ session }) => session)
      const pace = mayReturn ? { overMs: over, quietMs: quiet } : { overMs: 0 }
      sessions.endEvenly(ends, configurationChanged(mayReturn), pace)
    }
  }

  async drain(options: DrainOptions = {}): Promise<void> {
    const order = readDrain(options)
    if (this.#closing !== undefined) return await this.#closing
    await this.#management.drain(order, 'program').over
  }

  undrain(): void {
    if (this.#closing === undefined) this.#management.undrain('program')
  }

  close(): Promise<void> {
    this.#closing ??= this.#drainAndStop()
    return this.#closing
  }

  cut(): void {
    this.#drain.cut()
    this.#listeners.cut()
  }

  #tick(): void {
    this.#administration?.tick()
    for (const broker of this.#generation.brokers.values()) {
      broker.nodes.tick()
      if (!this.#drain.isOn) rebalance(broker, this.#parts, this.#generation.config.drain.quiet)
    }
  }

  /** A generation serves from now on. */
  #inForce(before?: Generation): void {
    const { log, sessions, metrics } = this.#parts
    const { number, config, authenticators } = this.#generation
    metrics.configured(number, hashOf(config))
    expectSeries(metrics, this.#generation)
    this.#certificates = ownCertificates(config)
    for (const { nodes, settings } of this.#generation.brokers.values()) nodes.apply(settings)
    const made = new Map([...authenticators].filter(([name, one]) => before?.authenticators.get(name) !== one))
    const { shared } = this.#parts
    const others = shared === undefined ? undefined : loginNews(shared)
    followLogins({ made, current: this, sessions, log, others })
    shared?.replicas.describe(() => this.#record())
    // A failure is in the log, and is no reason not to serve others.
    const earlier = before === undefined ? new Set() : allMade(before)
    for (const one of allMade(this.#generation)) if (!earlier.has(one)) one.warmUp?.().catch(() => {})
    log.level = config.log.level
    if (config.watch && this.#configWatch === undefined)
      log.write('configuration-warning', { detail: 'watch: without meaning: this gateway was started without a file' })
    this.#configWatch?.follow(config.watch)
    this.#stopWatching()
    this.#stopWatching = watchUsers(this.#generation, {
      lost: (keys) => revoke(keys, { ...this.#parts, authenticators }),
      failed: (file, detail) => log.write('reload-refused', { detail: `${file}: ${detail}` }),
    })
  }

  async #drainAndStop(): Promise<void> {
    const { log, sessions } = this.#parts
    log.write('gateway-draining', { count: sessions.count })
    const portsAreFree: Promise<void>[] = []
    const stopListening = () => portsAreFree.push(this.#listeners.stop())
    let terms = this.#generation.config.drain
    if (this.#inherited.any) {
      // The next process takes whoever connects from now on; whoever is here already may say what it wants.
      stopListening()
      terms = { ...terms, lameDuck: Math.max(terms.lameDuck, HAND_OVER_MS) }
    }
    await this.#drain.begin(terms, stopListening)
    this.#listeners.cut()
    await Promise.all(portsAreFree)
    await this.#stop()
    log.write('gateway-stopped')
    await log.flush()
  }

  async #stop(): Promise<void> {
    this.#inherited.close()
    this.#configWatch?.follow(false)
    this.#stopWatching()
    await this.#listeners.stop()
    await this.#administration?.server.stop()
    this.#ticker.stop()
    for (const authenticator of allMade(this.#generation)) authenticator.close?.()
    this.#parts.shared?.close()
    this.#parts.metrics.close()
  }
}
