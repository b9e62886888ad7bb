/** Metrics that are read at the moment of a scrape: of traffic, of brokers' nodes, of the process. */
import { getHeapStatistics } from 'node:v8'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { LoopDelay } from './loop-delay.ts'
import type { Traffic } from './traffic.ts'
import { version } from './version.ts'

interface WatchedNode {
  readonly name: string
  readonly isUp: boolean
  readonly sessionCount: number
}

export interface BrokerWithNodes {
  readonly name: string
  readonly nodes: { readonly all: readonly WatchedNode[] }
}

/** What is read at the moment of a scrape. */
export interface MetricSources {
  readonly traffic: Traffic
  /** What all sessions hold. */
  bufferedBytes(): number
  auditLostCount(): number
}

export function watchTraffic(registry: Registry, { traffic, bufferedBytes, auditLostCount }: MetricSources): void {
  const registers = [registry]
  const byDirection = (name: string, help: string, from: () => number, to: () => number) => {
    const counter = new Counter({
      name,
      help,
      labelNames: ['direction'],
      registers,
      collect: () => {
        counter.reset()
        counter.inc({ direction: 'from-client' }, from())
        counter.inc({ direction: 'to-client' }, to())
      },
    })
  }
  byDirection(
    'gatehouse_bytes_total',
    'Bytes of AMQP in WebSocket messages, by direction.',
    () => traffic.bytesFromClients,
    () => traffic.bytesToClients,
  )
  byDirection(
    'gatehouse_messages_total',
    'WebSocket messages, by direction.',
    () => traffic.messagesFromClients,
    () => traffic.messagesToClients,
  )
  readGauge(registers, 'gatehouse_buffered_bytes', 'Bytes that wait in all sessions together.', bufferedBytes)
  const lost: Counter = new Counter({
    name: 'gatehouse_audit_lost_total',
    help: 'Audit events that could not be written.',
    registers,
    collect: () => {
      lost.reset()
      lost.inc(auditLostCount())
    },
  })
}

export function watchProcess(registry: Registry, loopDelay: LoopDelay): void {
  const registers = [registry]
  const longestDelayMs = loopDelay.reader()
  readGauge(
    registers,
    'gatehouse_event_loop_delay_seconds',
    'Longest delay of the event loop since the last scrape.',
    () => longestDelayMs() / 1000,
    'max',
  )
  readGauge(
    registers,
    'gatehouse_heap_ratio',
    'Used part of the largest heap this process may have, 0 to 1.',
    heapRatio,
    'max',
  )
  const seconds: Counter = new Counter({
    name: 'gatehouse_processor_seconds_total',
    help: 'Processor time that the process has used, its own (`user`) and the system’s for it (`system`).',
    labelNames: ['mode'],
    registers,
    collect: () => {
      const { user, system } = process.cpuUsage()
      seconds.reset()
      seconds.inc({ mode: 'user' }, user / 1e6)
      seconds.inc({ mode: 'system' }, system / 1e6)
    },
  })
  new Gauge({
    name: 'gatehouse_build_info',
    help: 'Always 1; the versions of the gateway and of Node.',
    labelNames: ['version', 'node'],
    aggregator: 'max',
    registers,
  }).set({ version: version(), node: process.versions.node }, 1)
  readGauge(registers, 'gatehouse_resident_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss())
  readGauge(
    registers,
    'gatehouse_start_time_seconds',
    'When the process started, in seconds since the epoch.',
    startSeconds,
    'min',
  )
}

/** @param brokers those that services name now */
export function watchNodes(registry: Registry, brokers: () => Iterable<BrokerWithNodes>): void {
  const registers = [registry]
  const labelNames = ['broker', 'node'] as const
  const byNode = (name: string, help: string, aggregator: Together, value: (node: WatchedNode) => number) => {
    const gauge = new Gauge({
      name,
      help,
      aggregator,
      labelNames,
      registers,
      collect: () => {
        gauge.reset()
        for (const { name: broker, nodes } of brokers())
          for (const node of nodes.all) gauge.set({ broker, node: node.name }, value(node))
      },
    })
  }
  byNode('gatehouse_broker_node_up', '1: the node answers, as far as is known; 0: it is left out.', 'min', ({ isUp }) =>
    Number(isUp),
  )
  byNode(
    'gatehouse_broker_node_sessions',
    'Sessions of the node, those that are being opened included.',
    'sum',
    ({ sessionCount }) => sessionCount,
  )
}

/** A door that this gateway dials. */
export interface WatchedDoor {
  readonly url: string
  readonly isUp: boolean
  readonly spareCount: number
  readonly givenCount: number
}

/** @param doors those that listeners dial now */
export function watchDoors(registry: Registry, doors: () => Iterable<WatchedDoor>): void {
  const registers = [registry]
  const labelNames = ['door'] as const
  const gauge = (name: string, help: string, aggregator: Together, value: (door: WatchedDoor) => number) => {
    const made = new Gauge({
      name,
      help,
      aggregator,
      labelNames,
      registers,
      collect: () => {
        made.reset()
        for (const door of doors()) made.set({ door: door.url }, value(door))
      },
    })
  }
  gauge('gatehouse_reverse_up', '1: this gateway has connections at the door; 0: it has none.', 'min', ({ isUp }) =>
    Number(isUp),
  )
  gauge(
    'gatehouse_reverse_spare',
    'Connections of this gateway that wait for a client at the door.',
    'sum',
    ({ spareCount }) => spareCount,
  )
  const given: Counter<'door'> = new Counter({
    name: 'gatehouse_reverse_clients_total',
    help: 'Clients that arrived through the door.',
    labelNames,
    registers,
    collect: () => {
      given.reset()
      for (const door of doors()) given.inc({ door: door.url }, door.givenCount)
    },
  })
}

/** How full the heap is, 0 to 1, of what V8 would let it grow to. */
export function heapRatio(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
  return used / limit
}

function startSeconds(): number {
  return Math.round(Date.now() / 1000 - process.uptime())
}

/** What a registry has, for the documentation. */
export function describeMetrics(
  registry: Registry,
): { name: string; help: string; type: string; labels: readonly string[] }[] {
  return registry.getMetricsAsArray().map((metric) => ({
    name: metric.name,
    help: metric.help,
    type: String(metric.type),
    labels: 'labelNames' in metric ? (metric.labelNames as string[]) : [],
  }))
}

/** How the values of several processes become one; else they are added up. */
type Together = 'sum' | 'max' | 'min'

/** @param aggregator of several processes */
export function readGauge(
  registers: Registry[],
  name: string,
  help: string,
  read: () => number,
  aggregator: Together = 'sum',
): void {
  const metric: Gauge = new Gauge({ name, help, registers, aggregator, collect: () => metric.set(read()) })
}
