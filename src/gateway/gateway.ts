/**
 * The wiring: a configuration in, a running gateway out. Nothing is decided here; this is where everything that decides
 * meets, and the order in which it starts and stops.
 */
import { getHeapStatistics } from 'node:v8'
import { parseConfig } from '../config/reading/load.ts'
import type { Config, ConfigInput } from '../config/schema/schema.ts'
import { Admission } from '../http/admission.ts'
import { Routes } from '../http/auth/routes.ts'
import { begin } from '../http/begin.ts'
import { Listener } from '../http/listener.ts'
import { Refuser } from '../http/refuser.ts'
import { Upgrades } from '../http/upgrade.ts'
import { AdminServer } from '../ops/admin.ts'
import { Health } from '../ops/health.ts'
import { Log } from '../ops/log.ts'
import { heapRatio, Metrics } from '../ops/metrics.ts'
import { descriptorLimit, Pressure } from '../ops/pressure.ts'
import { Traffic } from '../ops/traffic.ts'
import { DRAIN } from '../sessions/end-requests.ts'
import { followLogins } from '../sessions/logins.ts'
import { Overload } from '../sessions/overload.ts'
import { Sessions } from '../sessions/registry.ts'
import { Ticker } from '../sessions/ticker.ts'
import { compileGeneration, type Environment, type Generation } from './generation.ts'
import { Lasting } from './lasting.ts'
import { reloadAll } from './read-again.ts'
import { watchUsers } from './users-files.ts'

/** Part of the heap that what waits in all sessions may fill together. */
const BUFFER_RATIO = 0.25

export interface GatewayOptions {
  /** For `${env:NAME}` and `{ env: NAME }`; the process's own when left out. */
  readonly env?: Environment
  /** What relative paths are relative to; the working directory when left out. */
  readonly folder?: string
  /** Where log lines go; standard output when left out. */
  readonly logTo?: { write(line: string): void }
}

/** Where clients connect. */
export interface GatewayAddress {
  readonly host: string
  readonly port: number
  /** Without a path: `ws://127.0.0.1:8080`. */
  readonly url: string
}

export interface Gateway {
  /** One for each listener, in the order of the configuration. */
  readonly addresses: readonly GatewayAddress[]
  /** Health and metrics, where the configuration asks for them. */
  readonly adminAddress: GatewayAddress | undefined
  readonly sessionCount: number
  /** Bytes of messages since the start, both ways. */
  readonly relayedBytes: number
  /** Requests for a WebSocket since the start, refused ones too. */
  readonly upgradeCount: number
  /** Reads certificates, users, secrets and key sets again. Never rejects: what cannot be read stays as it was. */
  reload(): Promise<void>
  /** Drains: takes nobody any more, ends sessions evenly over `drain`, cuts the rest at twice it. */
  close(): Promise<void>
  /** Ends the wait of `close`: drops every connection at once. */
  cut(): void
}

/**
 * Starts a gateway; it serves in whatever state the brokers are.
 *
 * @throws {ConfigError} with everything that is wrong with the configuration
 * @throws {Error} when an address cannot be had
 */
export async function startGateway(config: ConfigInput | Config, options: GatewayOptions = {}): Promise<Gateway> {
  const { env = process.env, folder, logTo } = options
  const loaded = parseConfig(config, { env, ...(folder === undefined ? {} : { folder }) })
  const log = new Log(loaded.config.log.level, logTo)
  for (const { path, message } of loaded.warnings) log.write('configuration-warning', { detail: `${path}: ${message}` })
  const sessions = new Sessions()
  const traffic = new Traffic()
  const metrics = new Metrics({
    traffic,
    bufferedBytes: () => sessions.bufferedBytes() + traffic.heldBytes,
    auditLostCount: () => log.auditLostCount,
  })
  const lasting = new Lasting()
  const first = await compileGeneration(loaded.config, {
    number: 1,
    lasting,
    metrics,
    log,
    env,
    folder: folder ?? process.cwd(),
  })
  const gateway = new RunningGateway(first, { log, sessions, traffic, metrics })
  await gateway.start()
  return gateway
}

/** What outlives generations, made before the first of them. */
interface Parts {
  readonly log: Log
  readonly sessions: Sessions
  readonly traffic: Traffic
  readonly metrics: Metrics
}

class RunningGateway implements Gateway {
  readonly #parts: Parts
  readonly #pressure: Pressure
  readonly #ticker: Ticker
  readonly #listeners: readonly Listener[]
  readonly #admin: AdminServer | undefined
  readonly #generation: Generation
  #stopWatching = () => {}
  #upgradeCount = 0
  #closing: Promise<void> | undefined

  constructor(first: Generation, parts: Parts) {
    this.#generation = first
    this.#parts = parts
    const { log, sessions, traffic, metrics } = parts
    this.#pressure = new Pressure({ heapRatio, sockets: () => this.#socketCount(), descriptorLimit: descriptorLimit() })
    const boundBytes = getHeapStatistics().heap_size_limit * BUFFER_RATIO
    const heldBytes = (): number => sessions.bufferedBytes() + traffic.heldBytes
    const overload = new Overload({ sessions, heldBytes, pressure: this.#pressure, log, boundBytes })
    traffic.guard(boundBytes, () => overload.shed())
    this.#ticker = new Ticker([sessions, overload])
    this.#listeners = this.#makeListeners()
    const { admin } = first.config
    const health = new Health([...first.brokers.values()], () => this.#closing !== undefined)
    this.#admin = admin === undefined ? undefined : new AdminServer(admin, health, metrics)
    followLogins({ authenticators: first.authenticators, sessions, log })
  }

  async start(): Promise<void> {
    try {
      for (const listener of this.#listeners) await listener.start()
      await this.#admin?.start()
    } catch (error) {
      await this.#stop()
      throw error
    }
    const { log } = this.#parts
    for (const { url } of this.#listeners) log.write('gateway-started', { url })
    if (this.#admin !== undefined) log.write('admin-started', { url: this.#admin.url })
    this.#stopWatching = watchUsers({ ...this.#parts, generation: this.#generation })
    this.#fetchKeys()
  }

  /** For whatever serves a request: read once, at its beginning. */
  get current(): Generation {
    return this.#generation
  }

  get addresses(): readonly GatewayAddress[] {
    return this.#listeners.map(({ host, port, url }) => ({ host, port, url }))
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

  async reload(): Promise<void> {
    await reloadAll({ ...this.#parts, generation: this.#generation, listeners: this.#listeners })
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain()
    return this.#closing
  }

  cut(): void {
    this.#parts.sessions.cut()
    for (const listener of this.#listeners) listener.cut()
  }

  #makeListeners(): readonly Listener[] {
    const { log } = this.#parts
    const common = { ...this.#parts, serving: this, admission: new Admission() }
    const refuser = new Refuser(common)
    const upgrades = new Upgrades({
      ...common,
      pressure: this.#pressure,
      isDraining: () => this.#closing !== undefined,
      refuse: (attempt, refusal) => refuser.refuse(attempt, refusal),
      begin: (attempt, admitted) => begin(attempt, admitted, this.#parts),
    })
    const routes = new Routes(common)
    const { listen, authenticators } = this.#generation.config
    const takesTickets = Object.values(authenticators).some(({ type }) => type === 'negotiate')
    return listen.map(
      (one) =>
        new Listener(
          { ...one, ...(takesTickets ? { maxHeaderBytes: 32 * 1024 } : {}) },
          {
            request: (request, response, hop) => routes.handle(request, response, hop),
            upgrade: (request, socket, head, hop) => {
              this.#upgradeCount++
              upgrades.handle(request, socket, head, hop)
            },
            hasRoom: () => this.#pressure.takesConnections,
            tlsFailed: (error, address) => log.write('tls-failed', { address, detail: error.message }),
          },
        ),
    )
  }

  /** So that the first login does not wait for them. A failure is in the log, and is no reason not to serve others. */
  #fetchKeys(): void {
    for (const authenticator of this.#generation.authenticators.values()) {
      if (authenticator.type === 'jwt') authenticator.reload?.().catch(() => {})
    }
  }

  #socketCount(): number {
    return this.#parts.sessions.placeCount + this.#listeners.reduce((sum, { socketCount }) => sum + socketCount, 0)
  }

  async #drain(): Promise<void> {
    const { log, sessions } = this.#parts
    log.write('gateway-draining', { count: sessions.count })
    const stopped = this.#listeners.map((listener) => listener.stop())
    await sessions.drain(this.#generation.config.drain, DRAIN)
    for (const listener of this.#listeners) listener.cut()
    await Promise.all(stopped)
    await this.#stop()
    log.write('gateway-stopped')
    await log.flush()
  }

  async #stop(): Promise<void> {
    this.#stopWatching()
    await Promise.all(this.#listeners.map((listener) => listener.stop()))
    await this.#admin?.stop()
    this.#ticker.stop()
    for (const authenticator of this.#generation.authenticators.values()) authenticator.close?.()
    this.#parts.metrics.close()
  }
}
