/**
 * A running gateway. Nothing is decided here; this is where everything that decides meets, and the order in which it starts
 * and stops.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { makeApi } from '../admin/make-api.ts'
import { Management } from '../admin/management.ts'
import { type AdminAddress, AdminServer } from '../admin/server.ts'
import { AdminTrail } from '../admin/trail.ts'
import { hashOf } from '../config/effective/hash.ts'
import { type LoadedConfig, loadConfig, parseConfig } from '../config/reading/load.ts'
import type { Config, ConfigInput } from '../config/schema/schema.ts'
import { Admission } from '../http/admission.ts'
import { Routes } from '../http/auth/routes.ts'
import { begin } from '../http/begin.ts'
import { Listener, type ListenerOptions } from '../http/listener.ts'
import { Refuser } from '../http/refuser.ts'
import { noteUnheard } from '../http/server/unheard.ts'
import { Upgrades } from '../http/upgrade.ts'
import { Health } from '../ops/health.ts'
import type { Log } from '../ops/log.ts'
import { heapRatio, type Metrics } from '../ops/metrics.ts'
import { descriptorLimit, Pressure } from '../ops/pressure.ts'
import type { Traffic } from '../ops/traffic.ts'
import { configurationChanged, DRAIN } from '../sessions/end-requests.ts'
import { followLogins } from '../sessions/logins.ts'
import { Overload } from '../sessions/overload.ts'
import type { Occupant } from '../sessions/place.ts'
import type { Sessions } from '../sessions/registry.ts'
import { Ticker } from '../sessions/ticker.ts'
import { ConfigWatch } from './config-watch.ts'
import { type Compiling, compileGeneration, type Generation } from './generation.ts'
import { InheritedSockets } from './inherited-sockets.ts'
import { Listeners, type ListenersPlan } from './listeners.ts'
import type { Gateway, GatewayAddress, GatewayOptions, GatewayReload } from './ports.ts'
import { type EndedByReload, type Prepared, Reload, type ReloadHost } from './reload.ts'
import { ReloadRefused, type ReloadReport } from './reload-report.ts'
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
  readonly traffic: Traffic
  readonly metrics: Metrics
  readonly compiling: Omit<Compiling, 'number' | 'before'>
  /** What the gateway was started with. */
  readonly input: ConfigInput | Config
  readonly options: GatewayOptions
}

export class RunningGateway implements Gateway, ReloadHost {
  readonly #parts: GatewayParts
  readonly #pressure: Pressure
  readonly #ticker: Ticker
  readonly #inherited: InheritedSockets
  readonly #listeners: Listeners
  readonly #admin: AdminServer | undefined
  readonly #reload = new Reload(this)
  readonly #requests = new ReloadRequests(() => this.reload())
  readonly #configWatch: ConfigWatch | undefined
  readonly #trail: AdminTrail
  readonly #management: Management
  #generation: Generation
  #input: ConfigInput | Config
  #stopWatching = () => {}
  #upgradeCount = 0
  #closing: Promise<void> | undefined
  /** Nobody gets in any more. */
  #refuses = false

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
    this.#ticker = new Ticker([sessions, overload, { tick: () => this.#tickNodes() }])
    metrics.watchNodes(() => this.#generation.brokers.values())
    this.#trail = new AdminTrail(log)
    this.#management = new Management({
      sessions,
      bars: parts.compiling.lasting.bars,
      trail: this.#trail,
      log,
      authenticators: () => this.#generation.authenticators,
    })
    const { admin } = first.config
    this.#admin = admin === undefined ? undefined : this.#makeAdmin(admin)
  }

  async start(): Promise<void> {
    try {
      const plan = await this.#listeners.plan(listenerOptions(this.#generation.config))
      plan.apply()
      this.#inherited.assertTaken()
      await this.#admin?.start()
    } catch (error) {
      await this.#stop()
      throw error
    }
    const { log } = this.#parts
    const { config, basePath } = this.#generation
    const paths = config.services.map(({ path }) => basePath.atListener(path)).join(' ')
    for (const { url } of this.#listeners.all) log.write('gateway-started', { url, paths })
    if (this.#admin !== undefined) log.write('admin-started', { url: this.#admin.url })
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
    if (this.#admin === undefined) return undefined
    const { host, port, url } = this.#admin
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
      log.write('reload-done', { detail: detailOf(report) })
      return report
    } catch (error) {
      this.#input = before
      if (error instanceof ReloadRefused && options.dryRun !== true) {
        metrics.reloaded('refused')
        log.write('reload-refused', { detail: error.message })
      }
      throw error
    }
  }

  requestReload(): void {
    if (this.#closing === undefined) this.#requests.ask()
  }

  /** For a reload, as the three that follow. */
  read(text: string | undefined): LoadedConfig {
    const { env = process.env, file, folder } = this.#parts.options
    if (text !== undefined) return parseConfig(text, { env, file, folder })
    if (file !== undefined) return loadConfig(file, env)
    return parseConfig(this.#input, { env, folder })
  }

  async prepare(config: Config): Promise<Prepared> {
    const before = this.#generation
    const number = before.number + 1
    const compiled = await compileGeneration(config, { ...this.#parts.compiling, number, before })
    let plan: ListenersPlan
    try {
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
    for (const mayReturn of [false, true]) {
      const ends = chosen.filter((one) => one.mayReturn === mayReturn).map(({ session }) => session)
      sessions.endEvenly(ends, configurationChanged(mayReturn), mayReturn ? this.#generation.config.drain : 0)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain()
    return this.#closing
  }

  cut(): void {
    this.#parts.sessions.cut()
    this.#listeners.cut()
  }

  #makeAdmin(address: AdminAddress): AdminServer {
    const { log, metrics } = this.#parts
    const health = new Health({
      brokers: () => [...this.#generation.brokers.values()],
      isDraining: () => this.#closing !== undefined,
    })
    const api = makeApi({
      managed: this,
      management: this.#management,
      sessions: this.#parts.sessions,
      health,
      trail: this.#trail,
      notes: { metrics, log },
    })
    return new AdminServer(
      address,
      { health, metrics, api },
      {
        ...noteUnheard({ metrics, log }),
        misnamed: (host) =>
          log.write('admin-refused', {
            detail: `called ${host}`,
            allow: `admin: { hosts: [${JSON.stringify(host)}] }`,
          }),
      },
    )
  }

  #makeListeners(): Listeners {
    const { metrics, log } = this.#parts
    const { bars } = this.#parts.compiling.lasting
    const common = { ...this.#parts, serving: this, bars, admission: new Admission() }
    const refuser = new Refuser(common)
    const upgrades = new Upgrades({
      ...common,
      pressure: this.#pressure,
      isDraining: () => this.#refuses,
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
    for (const { nodes } of this.#generation.brokers.values()) nodes.tick()
  }

  /** A generation serves from now on. */
  #inForce(before?: Generation): void {
    const { log, sessions, metrics } = this.#parts
    const { number, config, authenticators } = this.#generation
    metrics.configured(number, hashOf(config))
    for (const { nodes, settings } of this.#generation.brokers.values()) nodes.apply(settings)
    const made = new Map([...authenticators].filter(([name, one]) => before?.authenticators.get(name) !== one))
    followLogins({ made, current: this, sessions, log })
    // So that the first login does not wait for them. A failure is in the log, and is no reason not to serve others.
    for (const one of made.values()) if (one.type === 'jwt') one.readAgain?.().catch(() => {})
    this.#configWatch?.follow(config.watch)
    this.#stopWatching()
    this.#stopWatching = watchUsers(this.#generation, {
      lost: (keys) => revoke(keys, { ...this.#parts, authenticators }),
      failed: (file, detail) => log.write('reload-refused', { detail: `${file}: ${detail}` }),
    })
  }

  async #drain(): Promise<void> {
    const { log, sessions } = this.#parts
    log.write('gateway-draining', { count: sessions.count })
    const stopped = this.#listeners.stop()
    // The next process takes whoever connects from now on; whoever is here already may say what it wants.
    if (this.#inherited.any) await pause(HAND_OVER_MS)
    this.#refuses = true
    await sessions.drain(this.#generation.config.drain, DRAIN)
    this.#listeners.cut()
    await stopped
    await this.#stop()
    log.write('gateway-stopped')
    await log.flush()
  }

  async #stop(): Promise<void> {
    this.#inherited.close()
    this.#configWatch?.follow(false)
    this.#stopWatching()
    await this.#listeners.stop()
    await this.#admin?.stop()
    this.#ticker.stop()
    for (const authenticator of this.#generation.authenticators.values()) authenticator.close?.()
    this.#parts.metrics.close()
  }
}

/** Kerberos tickets need larger heads. */
function listenerOptions({ listen, authenticators }: Config): readonly ListenerOptions[] {
  const takesTickets = Object.values(authenticators).some(({ type }) => type === 'negotiate')
  return listen.map((one) => ({ ...one, ...(takesTickets ? { maxHeaderBytes: 32 * 1024 } : {}) }))
}

function detailOf({ changes, sessions: { kept, changed, ended } }: ReloadReport): string {
  const where = changes.length === 0 ? 'the configuration is the same' : `changed: ${changes.join(', ')}`
  return `${where}; sessions: ${kept} kept, ${changed} changed, ${ended} ended`
}
