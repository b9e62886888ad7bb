/** What an operator asks a door for, as Prometheus metrics. docs/metrics.md shows this table. */
import { Counter, Gauge, Registry } from 'prom-client'
import { LoopDelay } from './loop-delay.ts'
import { describeMetrics, readGauge, watchProcess } from './read-metrics.ts'

export interface WatchedSite {
  readonly name: string
  readonly spareCount: number
  readonly waiting: { readonly size: number }
}

export interface DoorMetricSources {
  sites(): Iterable<WatchedSite>
  clientCount(): number
  /** All that somebody may be turned away for. */
  readonly refusals: readonly string[]
}

export class DoorMetrics {
  readonly #registry = new Registry()
  readonly #loopDelay = new LoopDelay()
  readonly #refused: Counter<'cause'>
  readonly #given: Counter

  constructor({ sites, clientCount, refusals }: DoorMetricSources) {
    const registers = [this.#registry]
    const bySite = (name: string, help: string, value: (site: WatchedSite) => number) => {
      const gauge = new Gauge({
        name,
        help,
        labelNames: ['site'],
        registers,
        collect: () => {
          gauge.reset()
          for (const site of sites()) gauge.set({ site: site.name }, value(site))
        },
      })
    }
    bySite(
      'gatehouse_door_spare',
      'Connections of gateways that wait for a client at a door, by site (`*`: any).',
      ({ spareCount }) => spareCount,
    )
    bySite(
      'gatehouse_door_waiting',
      'Clients that wait for a connection of a gateway, by site.',
      ({ waiting }) => waiting.size,
    )
    readGauge(registers, 'gatehouse_door_clients', 'Clients at a door, those that wait included.', clientCount)
    this.#given = new Counter({
      name: 'gatehouse_door_clients_total',
      help: 'Clients that a door has given to a gateway.',
      registers,
    })
    this.#refused = new Counter({
      name: 'gatehouse_door_refused_total',
      help: 'Clients and gateways that a door turned away, by cause (docs/reverse-connectivity.md).',
      labelNames: ['cause'],
      registers,
    })
    for (const cause of refusals) this.#refused.inc({ cause }, 0)
    watchProcess(this.#registry, this.#loopDelay)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Everything, in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** Names, help, types and labels, for the documentation. */
  describe(): { name: string; help: string; type: string; labels: readonly string[] }[] {
    return describeMetrics(this.#registry)
  }

  given(): void {
    this.#given.inc()
  }

  refused(cause: string): void {
    this.#refused.inc({ cause })
  }

  close(): void {
    this.#loopDelay.close()
    this.#registry.clear()
  }
}
