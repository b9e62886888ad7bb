/**
 * A door: the outer half of reverse connectivity. It stands where clients can reach it, and gateways inside dial it. It holds
 * no key of the site and no credential, and passes on what it cannot read.
 */
import { staticDoorChanges } from '../../config/checks/door.ts'
import { loadDoor } from '../../config/reading/load.ts'
import { ConfigError } from '../../config/reading/problems.ts'
import type { DoorConfig } from '../../config/schema/door.ts'
import { DoorMetrics } from '../../ops/door-metrics.ts'
import type { Log } from '../../ops/log.ts'
import { descriptorLimit } from '../../ops/pressure.ts'
import { DOOR_REFUSALS, type DoorRefusal } from './causes.ts'
import { ClientListener } from './client-listener.ts'
import { DoorAdmin } from './door-admin.ts'
import { InnerListener } from './inner-listener.ts'
import type { ParkedTimes } from './parked.ts'
import { Pool } from './pool.ts'
import { Sites } from './sites.ts'

/** Descriptors that are nobody's: listeners, log, files. */
const OWN_DESCRIPTORS = 64

export interface DoorOptions {
  /** Where the configuration came from: a reload reads it again. */
  readonly file?: string | undefined
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  readonly log: Log
  /** For tests. */
  readonly times?: Partial<ParkedTimes> | undefined
}

export class Door {
  readonly #options: DoorOptions
  #config: DoorConfig
  #sites: Sites
  readonly #pool: Pool
  readonly #clients: ClientListener
  readonly #inner: InnerListener
  readonly #metrics: DoorMetrics
  readonly #admin: DoorAdmin | undefined
  #closing: Promise<void> | undefined

  /** @throws {Error} when a certificate or key cannot be used */
  constructor(config: DoorConfig, options: DoorOptions) {
    this.#options = options
    this.#config = config
    this.#sites = new Sites(config.listen.sites)
    const { log } = options
    this.#pool = new Pool(this.#sites.all, {
      gone: ({ name, address }, detail) => log.write('door-gateway-silent', { gateway: name, address, detail }),
    })
    this.#metrics = new DoorMetrics({
      sites: () => this.#sites.all,
      clientCount: () => this.#clients.clientCount,
      refusals: Object.keys(DOOR_REFUSALS),
    })
    const refuse = (cause: DoorRefusal, detail: string, address: string): void => {
      this.#metrics.refused(cause)
      log.write(DOOR_REFUSALS[cause].log, { cause, address, detail })
    }
    this.#inner = new InnerListener(config.inner, namesOf(config), {
      pool: this.#pool,
      refuse,
      times: options.times,
      events: {
        joined: ({ name, address }) => log.write('door-gateway-joined', { gateway: name, address }),
        left: ({ name, address }) => log.write('door-gateway-left', { gateway: name, address }),
      },
    })
    const mostSockets = descriptorLimit() - OWN_DESCRIPTORS
    this.#clients = new ClientListener({
      pool: this.#pool,
      hasRoom: () => this.#clients.clientCount + this.#inner.socketCount + 2 <= mostSockets,
      config: () => this.#config,
      sites: () => this.#sites,
      given: () => this.#metrics.given(),
      refuse,
    })
    this.#admin =
      config.admin &&
      new DoorAdmin(config.admin, {
        metrics: this.#metrics,
        sites: () => this.#sites.all,
        isDraining: () => this.#closing !== undefined,
      })
  }

  /** @throws {Error} where an address cannot be had */
  async start(): Promise<void> {
    try {
      await this.#inner.start()
      await this.#clients.start()
      await this.#admin?.start()
    } catch (error) {
      await this.#stop()
      throw error
    }
    const { listen, inner } = this.#config
    const { log } = this.#options
    log.write('door-ready', { url: `tls://${authority(inner.host, this.#inner.port)}` })
    log.write('door-started', { url: `tcp://${authority(listen.host, this.#clients.port)}` })
    if (this.#admin !== undefined) log.write('admin-started', { url: this.#admin.url })
  }

  /** For clients. */
  get port(): number {
    return this.#clients.port
  }

  /** For gateways. */
  get innerPort(): number {
    return this.#inner.port
  }

  get adminUrl(): string | undefined {
    return this.#admin?.url
  }

  /** Connections that wait for a client. */
  get spareCount(): number {
    return this.#pool.count
  }

  /** All sockets of clients and of gateways. */
  get socketCount(): number {
    return this.#clients.clientCount + this.#inner.socketCount
  }

  /** Reads the file and all that it names again: all or nothing; the log says how it went. */
  requestReload(): void {
    const { file, env, log } = this.#options
    if (file === undefined || this.#closing !== undefined) return
    try {
      const { config } = loadDoor(file, env, { more: (next) => staticDoorChanges(this.#config, next) })
      this.change(config)
      log.write('reload-done', { detail: 'gateways come again; clients stay' })
    } catch (error) {
      const lines = error instanceof ConfigError ? error.problems.length : 1
      const detail = error instanceof Error ? error.message : 'unknown failure'
      log.write('reload-refused', { detail, count: lines })
    }
  }

  /**
   * Another configuration. Gateways have to prove themselves by it, and so come again; clients that are served stay.
   * @throws {Error} where certificates cannot be used: then nothing has changed
   */
  change(config: DoorConfig): void {
    const changeInner = this.#inner.change(config.inner.tls, namesOf(config))
    this.#config = config
    this.#options.log.level = config.log.level
    this.#sites = new Sites(config.listen.sites)
    changeInner()
    this.#pool.follow(this.#sites.all)
  }

  /** Takes no more clients, waits for those that are here for as long as `drain` says, and ends. */
  close(): Promise<void> {
    this.#closing ??= this.#drainAndStop()
    return this.#closing
  }

  /** Ends the wait of `close`: drops every client at once. */
  cut(): void {
    this.#clients.cut()
    this.#inner.cut()
  }

  async #drainAndStop(): Promise<void> {
    const { log } = this.#options
    log.write('door-draining', { count: this.#clients.clientCount })
    const left = this.#clients.stop()
    void this.#inner.stop()
    this.#pool.drop('the door stops')
    const timer = setTimeout(() => this.cut(), this.#config.drain)
    await left
    clearTimeout(timer)
    await this.#stop()
    log.write('door-stopped')
    await log.flush()
  }

  async #stop(): Promise<void> {
    const stopped = [this.#clients.stop(), this.#inner.stop()]
    this.cut()
    await Promise.all(stopped)
    await this.#admin?.stop()
    this.#metrics.close()
  }
}

/** Names that mean something at this door; absent: any. */
function namesOf({ inner, listen }: DoorConfig): readonly string[] | undefined {
  return inner.names ?? listen.sites?.flatMap(({ to }) => to)
}

function authority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
