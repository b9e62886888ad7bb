/**
 * A running gateway. Nothing is decided here; this is where everything that decides meets, and the order in which it starts
 * and stops.
 */
import { FromCode } from '../admin/from-code.ts'
import { Lately } from '../admin/live/lately.ts'
import { Management } from '../admin/management.ts'
import { Everywhere } from '../admin/replicas/everywhere.ts'
import type { Blocked, BlockPerson, Kick, Kicked, SessionPage, SessionQuery } from '../admin/shapes.ts'
import { AdminTrail } from '../admin/trail.ts'
import { staticChanges } from '../config/checks/static-places.ts'
import type { LoadedConfig } from '../config/reading/load.ts'
import { readDrain } from '../config/reading/read-drain.ts'
import type { Config } from '../config/schema/schema.ts'
import { descriptorLimit, Pressure } from '../ops/pressure.ts'
import { heapRatio } from '../ops/read-metrics.ts'
import { Drain } from '../sessions/drain.ts'
import type { Occupant } from '../sessions/place.ts'
import type { Ticker } from '../sessions/ticker.ts'
import { allMade } from '../wiring/authenticators.ts'
import { Administration } from './administration.ts'
import type { Captain } from './crew/crew.ts'
import { CrewDrain, type Drains } from './crew/drain.ts'
import { dutiesOf } from './crew/duties.ts'
import { historyOf } from './crew/history.ts'
import type { Generation } from './generation.ts'
import { InForce } from './in-force.ts'
import { InheritedSockets } from './listening/inherited-sockets.ts'
import { type Listeners, listenerOptions } from './listening/listeners.ts'
import { makeListeners } from './listening/make-listeners.ts'
import { makeTicker } from './make-ticker.ts'
import type { GatewayParts } from './parts.ts'
import type { DrainOptions, Gateway, GatewayAddress, GatewayReload } from './ports.ts'
import { rebalance } from './rebalance.ts'
import { ConfigSource } from './reloading/config-source.ts'
import { type EndedByReload, endByReload } from './reloading/ends.ts'
import { notedReload } from './reloading/noted.ts'
import { prepareNext } from './reloading/prepare.ts'
import { type Prepared, Reload, type ReloadHost } from './reloading/reload.ts'
import type { ReloadReport } from './reloading/report.ts'
import { ReloadRequests } from './reloading/requests.ts'
import { Membership } from './replicas/membership.ts'
import { revoke } from './revoke.ts'

/** For clients that had connected when the next process took the socket over. */
const HAND_OVER_MS = 1_000

export class RunningGateway implements Gateway, ReloadHost {
  readonly #parts: GatewayParts
  readonly #source: ConfigSource
  readonly #pressure: Pressure
  readonly #ticker: Ticker
  readonly #inherited: InheritedSockets
  readonly #listeners: Listeners
  readonly #trail: AdminTrail
  readonly #administration: Administration | undefined = undefined
  readonly #fromCode: FromCode
  readonly #reload = new Reload(this)
  readonly #requests = new ReloadRequests(() => this.reload())
  readonly #inForce: InForce
  readonly #drain: Drains
  readonly #management: Management
  readonly #membership: Membership
  readonly #everywhere: Everywhere
  readonly #lately: Lately
  #generation: Generation
  #upgradeCount = 0
  #closing: Promise<void> | undefined

  constructor(first: Generation, parts: GatewayParts) {
    this.#generation = first
    this.#source = new ConfigSource(parts.input, parts.options)
    this.#parts = parts
    this.#membership = new Membership(parts, this)
    this.#inForce = new InForce(this, parts, this.#membership)
    const { log, sessions, metrics } = parts
    const sockets = () => sessions.placeCount + this.#listeners.socketCount
    const counted = { sockets, descriptorLimit: descriptorLimit() }
    this.#pressure = new Pressure({ heapRatio, ...counted })
    this.#inherited = new InheritedSockets(parts.options.inherited ?? [])
    const drain = new Drain(sessions)
    this.#drain = parts.crew === undefined ? drain : new CrewDrain(drain, parts.crew)
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
    metrics.watchLimits({
      ...counted,
      isDraining: () => this.#drain.isOn,
      certificates: () => this.#inForce.certificates,
    })
    const { crew, berth } = parts
    const [trail, lately] = [new AdminTrail(log), new Lately({ ...parts, together: crew && historyOf(crew) })]
    ;[this.#trail, this.#lately] = [trail, lately]
    const [others, here] = [this.#membership.others, () => this.#membership.here]
    const shown = { ...parts, lately, others, crew: crew?.others, here, current: () => this.#generation }
    this.#management = new Management({
      ...shown,
      bars: parts.compiling.lasting.bars,
      trail,
      drain: this.#drain,
      drainTerms: () => this.#generation.config.drain,
      isStopping: () => this.isStopping,
      sessionCount: () => this.sessionCount,
      held: (key, forMs) => this.#membership.held(key, forMs),
    })
    this.#everywhere = new Everywhere({ ...shown, management: this.#management })
    this.#fromCode = new FromCode(this.#management, this.#everywhere)
    const { admin } = first.config
    if (admin === undefined) return
    lately.observe(log)
    // A worker is asked by its primary.
    if (berth !== undefined) return
    this.#administration = new Administration(admin, {
      ...parts,
      managed: this,
      management: this.#management,
      everywhere: this.#everywhere,
      trail,
      lately,
      isDraining: () => this.#drain.isOn,
    })
  }

  async start(): Promise<void> {
    const { crew, berth } = this.#parts
    const { bars } = this.#parts.compiling.lasting
    const act = this.#membership.follow({ ...this.#parts, bars, management: this.#management }, this.#everywhere)
    try {
      const plan = await this.#listeners.plan(listenerOptions(this.#generation.config))
      plan.apply()
      this.#inherited.assertTaken()
      await crew?.begin(this.#membership.captain(this.#captain(), act))
      await this.#administration?.server.start()
    } catch (error) {
      await this.#stop()
      throw error
    }
    if (berth === undefined) this.#announce()
    this.#inForce.begin()
    berth?.attend(
      dutiesOf({
        ...this.#parts,
        listeners: this.#listeners,
        drain: this.#drain,
        everywhere: this.#everywhere,
        reload: this.#reload,
        act,
        upgradeCount: () => this.#upgradeCount,
      }),
    )
  }

  #captain(): Omit<Captain, 'published'> {
    return {
      present: () => ({
        config: this.#generation.config,
        number: this.#generation.number,
        blocks: this.#parts.compiling.lasting.bars.blocks(),
        holds: [...this.#parts.compiling.lasting.bars.holds()],
        replica: this.#membership.here.replica,
      }),
      draining: () => (this.#drain.isOn ? { ...this.#generation.config.drain, lameDuck: 0 } : undefined),
      placeOf: (listener) => {
        const at = this.#listeners.withAddress.indexOf(listener)
        return at === -1 ? undefined : at
      },
    }
  }

  #announce(): void {
    const { log } = this.#parts
    const { config, basePath } = this.#generation
    const paths = config.services.map(({ path }) => basePath.atListener(path)).join(' ')
    for (const { url } of this.#listeners.withAddress) log.write('gateway-started', { url, paths })
    if (this.adminAddress !== undefined) log.write('admin-started', { url: this.adminAddress.url })
  }

  /** For whatever serves a request: read once, at its beginning. */
  get current(): Generation {
    return this.#generation
  }

  get addresses(): readonly GatewayAddress[] {
    return this.#listeners.withAddress.map(({ host, port, url }) => ({ host, port, url }))
  }

  get hasFile(): boolean {
    return this.#source.hasFile
  }

  get adminAddress(): GatewayAddress | undefined {
    if (this.#administration === undefined) return undefined
    const { host, port, url } = this.#administration.server
    return { host, port, url }
  }

  get sessionCount(): number {
    return this.#parts.crew?.counts.sessions ?? this.#parts.sessions.count
  }

  get relayedBytes(): number {
    const { bytesFromClients, bytesToClients } = this.#parts.crew?.counts ?? this.#parts.traffic
    return bytesFromClients + bytesToClients
  }

  get upgradeCount(): number {
    return this.#parts.crew?.counts.upgrades ?? this.#upgradeCount
  }

  async reload({ config, ...options }: GatewayReload = {}): Promise<ReloadReport> {
    const isTrial = options.dryRun === true
    const reload = () => this.#reload.run(options)
    const noted = () => notedReload(reload, { ...this.#parts, trail: this.#trail })
    return await this.#source.with(config, isTrial, isTrial ? reload : noted)
  }

  async sessions(query?: SessionQuery): Promise<SessionPage> {
    return await this.#fromCode.sessions(query)
  }

  async kick(order: Kick): Promise<Kicked> {
    return await this.#fromCode.kick(order)
  }

  async block(order: BlockPerson): Promise<Blocked> {
    return await this.#fromCode.block(order)
  }

  requestReload(): void {
    if (this.#closing === undefined) this.#requests.ask()
  }

  /** For a reload, as those that follow. */
  get isStopping(): boolean {
    return this.#closing !== undefined
  }

  read(text: string | undefined): LoadedConfig {
    return this.#source.read(text, (config) => staticChanges(this.#generation.config, config))
  }

  async prepare(config: Config): Promise<Prepared> {
    const [before, { compiling, crew }] = [this.#generation, this.#parts]
    const parts = { before, compiling, crew, listeners: this.#listeners, admin: this.#administration?.server }
    const { generation, elsewhere, exchange, abandon } = await prepareNext(config, parts)
    return {
      next: generation,
      elsewhere,
      apply: () => {
        this.#generation = generation
        const { lost, followed } = exchange()
        compiling.lasting.endHoldOffs()
        revoke(lost, { ...this.#parts, authenticators: generation.authenticators })
        this.#inForce.begin(before)
        return followed
      },
      abandon,
    }
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await (this.#parts.crew?.alone(work) ?? work())
  }

  liveSessions(): Iterable<Occupant> {
    return this.#parts.sessions.each()
  }

  end(chosen: readonly EndedByReload[]): void {
    endByReload(chosen, this.#parts.sessions, this.#generation.config.drain)
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
    this.#lately.tick()
    this.#parts.crew?.tick()
    this.#membership.tick()
    for (const broker of this.#generation.brokers.values()) {
      broker.nodes.tick()
      if (!this.#drain.isOn) rebalance(broker, this.#parts, this.#generation.config.drain.quiet)
    }
  }

  async #drainAndStop(): Promise<void> {
    const { log } = this.#parts
    log.write('gateway-draining', { count: this.sessionCount })
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
    this.#inForce.stop()
    await this.#listeners.stop()
    await this.#parts.crew?.stop()
    await this.#administration?.server.stop()
    this.#ticker.stop()
    for (const authenticator of allMade(this.#generation)) authenticator.close?.()
    this.#parts.shared?.close()
    this.#parts.metrics.close()
  }
}
