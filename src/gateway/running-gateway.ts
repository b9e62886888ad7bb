/**
 * A running gateway. Nothing is decided here; this is where everything that decides meets, and the order in which it starts
 * and stops.
 */
import { getHeapStatistics } from 'node:v8'
import type { BlocksFile } from '../admin/blocks-file.ts'
import { FromCode } from '../admin/from-code.ts'
import { SessionRefusals } from '../admin/live/session-refusals.ts'
import { Management } from '../admin/management.ts'
import type { Blocked, BlockPerson, Kick, Kicked, SessionPage, SessionQuery } from '../admin/shapes.ts'
import { AdminTrail } from '../admin/trail.ts'
import { staticChanges } from '../config/checks/static-places.ts'
import { hashOf } from '../config/effective/hash.ts'
import { type LoadedConfig, loadConfig, parseConfig } from '../config/reading/load.ts'
import { readDrain } from '../config/reading/read-drain.ts'
import type { Config, ConfigInput } from '../config/schema/schema.ts'
import { Admission } from '../http/admission.ts'
import { Routes } from '../http/auth/routes.ts'
import { begin } from '../http/begin.ts'
import { Listener } from '../http/listener.ts'
import { Refuser } from '../http/refuser.ts'
import { noteUnheard } from '../http/server/unheard.ts'
import { Upgrades } from '../http/upgrade.ts'
import type { Log } from '../ops/log.ts'
import { heapRatio, type Metrics } from '../ops/metrics.ts'
import { descriptorLimit, Pressure } from '../ops/pressure.ts'
import type { Traffic } from '../ops/traffic.ts'
import { Drain } from '../sessions/drain.ts'
import { configurationChanged } from '../sessions/end-requests.ts'
import type { EntitledSessions } from '../sessions/entitled-sessions.ts'
import { followLogins } from '../sessions/logins.ts'
import { Overload } from '../sessions/overload.ts'
import type { Occupant } from '../sessions/place.ts'
import { Rechecks } from '../sessions/rechecks.ts'
import type { Sessions } from '../sessions/registry.ts'
import { Ticker } from '../sessions/ticker.ts'
import { Administration } from './administration.ts'
import { ConfigWatch } from './config-watch.ts'
import { expectSeries } from './expected-series.ts'
import { type Compiling, compileGeneration, type Generation } from './generation.ts'
import { InheritedSockets } from './inherited-sockets.ts'
import { Listeners, type ListenersPlan, listenerOptions } from './listeners.ts'
import type { DrainOptions, Gateway, GatewayAddress, GatewayOptions, GatewayReload } from './ports.ts'
import { rebalance } from './rebalance.ts'
import { type EndedByReload, type Prepared, Reload, type ReloadHost } from './reload.ts'
import { ReloadRefused, type ReloadReport, reportText } from './reload-report.ts'
import { ReloadRequests } from './reload-requests.ts'
import { revoke } from './revoke.ts'
import { watchUsers } from './users-files.ts'

/** Part of the heap that what waits in all sessions may fill together. */
const BUFFER_RATIO = 0.25
/** For clients that had connected when the next process took the socket over. */
const HAND_OVER_MS = 1_000

/** What outlives generations, made before the first of them. */
export interface GatewayParts {
  readonly log: Log
  readonly sessions: Sessions
  readonly entitled: EntitledSessions
  readonly traffic: Traffic
  readonly metrics: Metrics
  readonly compiling: Omit<Compiling, 'number' | 'before'>
  /** What the gateway was started with. */
  readonly input: ConfigInput | Config
  readonly options: GatewayOptions
  /** Where blocks are kept. */
  readonly blocksFile: BlocksFile | undefined
}

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
  #stopWatching = () => {}
  #upgradeCount = 0
  #closing: Promise<void> | undefined

  constructor(first: Generation, parts: GatewayParts) {
    this.#generation = first
    this.#input = parts.input
    this.#parts = parts
    const { file } = parts.options
    this.#configWatch = file === undefined ? undefined : new ConfigWatch(file, () => this.requestReload())
    const { log, sessions, traffic, metrics } = parts
    const sockets = () => sessions.placeCount + this.#listeners.socketCount
    this.#pressure = new Pressure({ heapRatio, sockets, descriptorLimit: descriptorLimit() })
    this.#inherited = new InheritedSockets(parts.options.inherited ?? [])
    this.#listeners = this.#makeListeners()
    const boundBytes = getHeapStatistics().heap_size_limit * BUFFER_RATIO
    const heldBytes = (): number => sessions.bufferedBytes() + traffic.heldBytes
    const overload = new Overload({ sessions, heldBytes, pressure: this.#pressure, log, boundBytes })
    traffic.guard(boundBytes, () => overload.shed())
    const rechecks = new Rechecks(sessions, () => this.#generation.authenticators, log)
    this.#ticker = new Ticker([
      sessions,
      parts.entitled,
      rechecks,
      overload,
      { tick: () => this.#tickNodes() },
      { tick: () => this.#administration?.tick() },
    ])
    metrics.watchNodes(() => this.#generation.brokers.values())
    this.#drain = new Drain(sessions)
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
    for (const { url } of this.#listeners.all) log.write('gateway-started', { url, paths })
    const { adminAddress } = this
    if (adminAddress !== undefined) log.write('admin-started', { url: adminAddress.url })
    this.#inForce()
  }

  /** For whatever serves a request: read once, at its beginning. */
  get current(): Generation {
    return this.#generation
  }

  get addresses(): readonly GatewayAddress[] {
    return this.#listeners.all.map(({ host, port, url }) => ({ host, port, url }))
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
    const { log, metrics } = this.#parts
    const before = this.#input
    if (config !== undefined) this.#input = config
    try {
      const report = await this.#reload.run(options)
      if (options.dryRun === true) {
        this.#input = before
        return report
      }
      metrics.reloaded('done', report.sessions)
      this.#trail.reloaded(report)
      log.write('reload-done', { detail: reportText(report) })
      return report
    } catch (error) {
      this.#input = before
      // Where another one is under way, nothing has been refused yet: whoever asked may ask again.
      if (error instanceof ReloadRefused && options.dryRun !== true && error.code !== 'busy') {
        metrics.reloaded('refused')
        this.#trail.reloadRefused(error)
        log.write('reload-refused', { detail: error.message })
      }
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

  #makeListeners(): Listeners {
    const { metrics, log } = this.#parts
    const { bars } = this.#parts.compiling.lasting
    const common = { ...this.#parts, serving: this, bars, admission: new Admission() }
    const refuser = new Refuser(common)
    const upgrades = new Upgrades({
      ...common,
      pressure: this.#pressure,
      isDraining: () => this.#drain.refuses,
      refuse: (attempt, refusal) => refuser.refuse(attempt, refusal),
      begin: (attempt, admitted) => begin(attempt, admitted, common),
    })
    const routes = new Routes(common)
    return new Listeners(
      (options) =>
        new Listener(options, {
          request: (request, response, hop) => routes.handle(request, response, hop),
          upgrade: (request, socket, head, hop) => {
            this.#upgradeCount++
            upgrades.handle(request, socket, head, hop)
          },
          hasRoom: () => this.#pressure.takesConnections,
          ...noteUnheard({ metrics, log }),
        }),
      this.#inherited,
    )
  }

  #tickNodes(): void {
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
    for (const { nodes, settings } of this.#generation.brokers.values()) nodes.apply(settings)
    const made = new Map([...authenticators].filter(([name, one]) => before?.authenticators.get(name) !== one))
    followLogins({ made, current: this, sessions, log })
    // A failure is in the log, and is no reason not to serve others.
    for (const one of made.values()) one.warmUp?.().catch(() => {})
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
    for (const authenticator of this.#generation.authenticators.values()) authenticator.close?.()
    this.#parts.metrics.close()
  }
}
