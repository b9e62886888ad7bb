/**
 * The wiring: a configuration in, a running gateway out. Nothing is decided here; this is where everything that decides
 * meets, and the order in which it starts and stops.
 */
import { getHeapStatistics } from 'node:v8'
import { type Authenticator, HashQueue, type SecretSources } from '../../auth/index.ts'
import { type Broker, checkBrokers, makeBrokers } from '../brokers/broker.ts'
import { readKeys } from '../config/files/keyring.ts'
import { readProtected } from '../config/files/protected-file.ts'
import { parseConfig } from '../config/reading/load.ts'
import type { Config, ConfigInput, ServiceConfig } from '../config/schema/schema.ts'
import { Admission } from '../http/admission.ts'
import { loginRoutes } from '../http/auth/login.ts'
import { Routes } from '../http/auth/routes.ts'
import { ticketRoute } from '../http/auth/ticket.ts'
import { whoamiRoute } from '../http/auth/whoami.ts'
import { begin } from '../http/begin.ts'
import { Listener } from '../http/listener.ts'
import { Refuser } from '../http/refuser.ts'
import { Upgrades } from '../http/upgrade.ts'
import { AdminServer } from '../ops/admin.ts'
import { AuditTrail } from '../ops/audit.ts'
import { Health } from '../ops/health.ts'
import { Log } from '../ops/log.ts'
import { heapRatio, Metrics } from '../ops/metrics.ts'
import { descriptorLimit, Pressure } from '../ops/pressure.ts'
import { Traffic } from '../ops/traffic.ts'
import { makeServices } from '../services/compile.ts'
import type { Service } from '../services/service.ts'
import { followLogins } from '../sessions/logins.ts'
import { Overload } from '../sessions/overload.ts'
import { Sessions } from '../sessions/registry.ts'
import { identityHeaders, makeAuthenticators } from '../wiring/authenticators.ts'
import { moduleLoader } from '../wiring/modules.ts'
import { type RenewalParts, reloadAll, reloadAuthenticator } from './read-again.ts'
import { watchFiles } from './watch.ts'

export type { Config, ConfigInput } from '../config/schema/schema.ts'

/** Part of the heap that what waits in all sessions may fill together. */
const BUFFER_RATIO = 0.25

type Environment = Readonly<Record<string, string | undefined>>

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
  const load = moduleLoader(folder ?? process.cwd())
  const sources: SecretSources = {
    readFile: readProtected,
    env: (name) => env[name],
    keys: readKeys(loaded.config, env).keys,
    load,
  }
  const brokers = makeBrokers(loaded.config, sources)
  await checkBrokers(brokers)
  const authenticators = await makeAuthenticators(loaded.config, {
    sources,
    hashQueue: new HashQueue(),
    observeKeys: (authenticator, { kind, where, ...rest }) =>
      log.write(kind, { authenticator, url: where, detail: 'detail' in rest ? rest.detail : `${rest.keyCount} keys` }),
    load,
  })
  const auditOf = ({ path, audit }: ServiceConfig) => new AuditTrail(log, path, audit.onFailure)
  const services = makeServices(loaded.config.services, { brokers, authenticators, sources, auditOf })
  const gateway = new RunningGateway(loaded.config, { log, brokers, authenticators, services })
  await gateway.start()
  return gateway
}

interface Parts {
  readonly log: Log
  readonly brokers: ReadonlyMap<string, Broker>
  readonly authenticators: ReadonlyMap<string, Authenticator>
  readonly services: ReadonlyMap<string, Service>
}

class RunningGateway implements Gateway {
  readonly #config: Config
  readonly #log: Log
  readonly #traffic: Traffic
  readonly #sessions: Sessions
  readonly #metrics: Metrics
  readonly #pressure: Pressure
  readonly #overload: Overload
  readonly #listeners: readonly Listener[]
  readonly #admin: AdminServer | undefined
  readonly #renewal: RenewalParts
  #stopWatching = () => {}
  #upgradeCount = 0
  #closing: Promise<void> | undefined

  constructor(config: Config, { log, brokers, authenticators, services }: Parts) {
    this.#config = config
    this.#log = log
    const boundBytes = getHeapStatistics().heap_size_limit * BUFFER_RATIO
    this.#traffic = new Traffic(boundBytes, () => this.#overload.shed())
    this.#sessions = new Sessions(() => this.#overload.tick())
    const heldBytes = (): number => this.#sessions.bufferedBytes() + this.#traffic.heldBytes
    this.#metrics = new Metrics({
      traffic: this.#traffic,
      bufferedBytes: heldBytes,
      auditLostCount: () => log.auditLostCount,
    })
    this.#pressure = new Pressure({ heapRatio, sockets: () => this.#socketCount(), descriptorLimit: descriptorLimit() })
    this.#overload = new Overload({ sessions: this.#sessions, heldBytes, pressure: this.#pressure, log, boundBytes })
    this.#listeners = this.#makeListeners(services)
    const health = new Health([...brokers.values()], () => this.#closing !== undefined)
    this.#admin = config.admin === undefined ? undefined : new AdminServer(config.admin, health, this.#metrics)
    followLogins({ authenticators, sessions: this.#sessions, log })
    this.#renewal = { config, listeners: this.#listeners, brokers, authenticators, sessions: this.#sessions, log }
  }

  async start(): Promise<void> {
    try {
      for (const listener of this.#listeners) await listener.start()
      await this.#admin?.start()
    } catch (error) {
      await this.#stop()
      throw error
    }
    const paths = this.#config.services.map(({ path }) => path).join(' ')
    for (const { url } of this.#listeners) this.#log.write('gateway-started', { url, paths })
    if (this.#admin !== undefined) this.#log.write('admin-started', { url: this.#admin.url })
    this.#stopWatching = this.#watch()
    this.#fetchKeys()
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
    return this.#sessions.count
  }

  get relayedBytes(): number {
    return this.#traffic.bytesFromClients + this.#traffic.bytesToClients
  }

  get upgradeCount(): number {
    return this.#upgradeCount
  }

  async reload(): Promise<void> {
    await reloadAll(this.#renewal)
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain()
    return this.#closing
  }

  cut(): void {
    this.#sessions.cut()
    for (const listener of this.#listeners) listener.cut()
  }

  #makeListeners(services: ReadonlyMap<string, Service>): readonly Listener[] {
    const of = { sessions: this.#sessions, metrics: this.#metrics, log: this.#log, traffic: this.#traffic, services }
    const common = { ...of, admission: new Admission(), identityHeaders: identityHeaders(this.#config) }
    const refuser = new Refuser(common)
    const upgrades = new Upgrades({
      ...common,
      pressure: this.#pressure,
      isDraining: () => this.#closing !== undefined,
      refuse: (attempt, refusal) => refuser.refuse(attempt, refusal),
      begin: (attempt, admitted) => begin(attempt, admitted, of),
    })
    const routes: Routes = new Routes({
      ...common,
      routes: [ticketRoute, whoamiRoute, loginRoutes].flatMap((route) =>
        route({ ...of, refuse: (exchange, refusal) => routes.refuse(exchange, refusal) }),
      ),
    })
    const takesTickets = Object.values(this.#config.authenticators).some(({ type }) => type === 'negotiate')
    return this.#config.listen.map(
      (listen) =>
        new Listener(
          { ...listen, ...(takesTickets ? { maxHeaderBytes: 32 * 1024 } : {}) },
          {
            request: (request, response, hop) => routes.handle(request, response, hop),
            upgrade: (request, socket, head, hop) => {
              this.#upgradeCount++
              upgrades.handle(request, socket, head, hop)
            },
            hasRoom: () => this.#pressure.takesConnections,
            tlsFailed: (error, address) => this.#log.write('tls-failed', { address, detail: error.message }),
          },
        ),
    )
  }

  /** So that the first login does not wait for them. A failure is in the log, and is no reason not to serve others. */
  #fetchKeys(): void {
    for (const authenticator of this.#renewal.authenticators.values()) {
      if (authenticator.type === 'jwt') authenticator.reload?.().catch(() => {})
    }
  }

  /** Users files are watched; secret files are read by every session anyway. */
  #watch(): () => void {
    const users = new Map<string, Authenticator[]>()
    for (const authenticator of this.#renewal.authenticators.values()) {
      const written = this.#config.authenticators[authenticator.name]
      if (written?.type !== 'basic' || typeof written.users !== 'string') continue
      users.set(written.users, [...(users.get(written.users) ?? []), authenticator])
    }
    return watchFiles(users.keys(), (file) => {
      for (const authenticator of users.get(file) ?? []) void reloadAuthenticator(authenticator, this.#renewal)
    })
  }

  #socketCount(): number {
    return this.#sessions.placeCount + this.#listeners.reduce((sum, { socketCount }) => sum + socketCount, 0)
  }

  async #drain(): Promise<void> {
    this.#log.write('gateway-draining', { count: this.#sessions.count })
    const stopped = this.#listeners.map((listener) => listener.stop())
    await this.#sessions.drain(this.#config.drain)
    for (const listener of this.#listeners) listener.cut()
    await Promise.all(stopped)
    await this.#stop()
    this.#log.write('gateway-stopped')
    await this.#log.flush()
  }

  async #stop(): Promise<void> {
    this.#stopWatching()
    await Promise.all(this.#listeners.map((listener) => listener.stop()))
    await this.#admin?.stop()
    this.#sessions.close()
    for (const authenticator of this.#renewal.authenticators.values()) authenticator.close?.()
    this.#metrics.close()
  }
}
