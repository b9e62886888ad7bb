/**
 * What an operator asks for first, as Prometheus metrics in a registry of their own. docs/metrics.md shows this table
 * and a test compares them.
 *
 * Labels take values from closed sets and from the configuration, never from a client: a million users make no series.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { EndReason, SessionEnd } from '../../proxy/index.ts'
import { type LimitSources, watchLimits } from './limit-metrics.ts'
import { LoopDelay } from './loop-delay.ts'
import {
  type BrokerWithNodes,
  describeMetrics,
  type MetricSources,
  readGauge,
  type WatchedDoor,
  watchDoors,
  watchNodes,
  watchProcess,
  watchTraffic,
} from './read-metrics.ts'
import { StateMetrics } from './state-metrics.ts'
import type { MetricsJson } from './summed-metrics.ts'
import { Totals } from './totals.ts'

/** What a broker did that ended a session, or kept one from beginning. */
const BROKER_FAILURES = ['broker-unavailable', 'broker-refused', 'broker-lost', 'broker-fault'] as const
type BrokerFailure = (typeof BROKER_FAILURES)[number]

export type AuthenticationOutcome = 'proven' | 'missing' | 'malformed' | 'rejected' | 'throttled' | 'failed'

const UNPROVEN = ['missing', 'malformed', 'rejected', 'throttled', 'failed'] as const

/** The values that labels can have. */
export interface ExpectedSeries {
  readonly services: Iterable<string>
  /** Of these, those that ask who may what. */
  readonly entitled: Iterable<string>
  readonly brokers: Iterable<string>
  readonly authenticators: Iterable<string>
  readonly refusals: readonly string[]
  readonly drops: readonly string[]
  readonly ends: readonly EndReason[]
}

export class Metrics {
  readonly #registry = new Registry()
  /** The same in plain numbers, for rates and charts. */
  readonly totals = new Totals()
  readonly loopDelay = new LoopDelay()
  readonly #sessions: Gauge<'service'>
  readonly #opened: Counter<'service'>
  readonly #ends: Counter<'reason'>
  readonly #drained: Counter<'at'>
  readonly #refusals: Counter<'cause'>
  readonly #drops: Counter<'cause'>
  readonly #handshake: Histogram
  readonly #authentications: Counter<'authenticator' | 'outcome'>
  readonly #brokerFailures: Counter<'broker' | 'cause'>
  readonly #generation: Gauge
  readonly #configuration: Gauge<'hash'>
  readonly #workersEnded: Counter
  readonly #reloads: Counter<'outcome'>
  readonly #reloadSessions: Counter<'outcome'>
  readonly #entitlements: Counter<'service' | 'outcome'>
  readonly #entitlementSeconds: Histogram<'service'>

  constructor(sources: MetricSources) {
    const registers = [this.#registry]
    this.#sessions = new Gauge({
      name: 'gatehouse_sessions',
      help: 'Sessions that are open or being opened.',
      labelNames: ['service'],
      registers,
    })
    this.#opened = new Counter({
      name: 'gatehouse_sessions_opened_total',
      help: 'Sessions that the broker opened.',
      labelNames: ['service'],
      registers,
    })
    this.#ends = new Counter({
      name: 'gatehouse_session_ends_total',
      help: 'Sessions that ended, by reason (docs/errors.md).',
      labelNames: ['reason'],
      registers,
    })
    this.#drained = new Counter({
      name: 'gatehouse_drained_total',
      help: 'Sessions that were asked to reconnect: ended at a quiet point, or at the deadline for want of one.',
      labelNames: ['at'],
      registers,
    })
    this.#generation = new Gauge({
      name: 'gatehouse_config_generation',
      help: 'Configurations that have been in force since the start, this one included.',
      aggregator: 'max',
      registers,
    })
    this.#configuration = new Gauge({
      name: 'gatehouse_config_info',
      help: 'Always 1; `hash` is that of the effective configuration, without `listen` and `admin`.',
      labelNames: ['hash'],
      aggregator: 'max',
      registers,
    })
    this.#workersEnded = new Counter({
      name: 'gatehouse_workers_ended_total',
      help: 'Processes of several (`workers`) that ended without being asked to; another one took the place of each.',
      registers,
    })
    this.#reloads = new Counter({
      name: 'gatehouse_reloads_total',
      help: 'Reloads, by outcome: done or refused.',
      labelNames: ['outcome'],
      registers,
    })
    this.#reloadSessions = new Counter({
      name: 'gatehouse_reload_sessions_total',
      help: 'What reloads meant for live sessions: kept, changed or ended.',
      labelNames: ['outcome'],
      registers,
    })
    this.#entitlements = new Counter({
      name: 'gatehouse_entitlements_total',
      help: 'Questions to entitlement services, by outcome: allowed, refused or unavailable.',
      labelNames: ['service', 'outcome'],
      registers,
    })
    this.#entitlementSeconds = new Histogram({
      name: 'gatehouse_entitlement_seconds',
      help: 'From a question to an entitlement service to its answer, or to the failure.',
      labelNames: ['service'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    })
    this.#refusals = new Counter({
      name: 'gatehouse_refusals_total',
      help: 'Clients that were refused before any broker was dialled, by cause (docs/errors.md).',
      labelNames: ['cause'],
      registers,
    })
    this.#drops = new Counter({
      name: 'gatehouse_connections_dropped_total',
      help: 'Connections that listeners dropped without an answer, by cause (docs/errors.md).',
      labelNames: ['cause'],
      registers,
    })
    this.#handshake = new Histogram({
      name: 'gatehouse_handshake_seconds',
      help: 'From the upgrade request to connection.open-ok, of the sessions that got there.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    })
    this.#authentications = new Counter({
      name: 'gatehouse_authentications_total',
      help: 'Requests that were authenticated or not; the authenticator is named where one proved it.',
      labelNames: ['authenticator', 'outcome'],
      registers,
    })
    this.#brokerFailures = new Counter({
      name: 'gatehouse_broker_failures_total',
      help: 'Sessions ended by a broker that was away, refused the promoted credential, went away or broke the protocol.',
      labelNames: ['broker', 'cause'],
      registers,
    })
    watchTraffic(this.#registry, sources)
    watchProcess(this.#registry, this.loopDelay)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Everything, in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** The same, to be added to that of other processes. */
  async json(): Promise<MetricsJson> {
    return await this.#registry.getMetricsAsJSON()
  }

  /** Names, help, types and labels, for the documentation. */
  describe(): { name: string; help: string; type: string; labels: readonly string[] }[] {
    return describeMetrics(this.#registry)
  }

  sessionStarted(service: string): void {
    this.#sessions.inc({ service })
  }

  sessionOpened(service: string, handshakeMs: number): void {
    this.totals.opened++
    this.#opened.inc({ service })
    this.#handshake.observe(handshakeMs / 1000)
  }

  sessionEnded(service: string, broker: string, { reason, at }: Pick<SessionEnd, 'reason' | 'at'>): void {
    this.#sessions.dec({ service })
    this.totals.ended++
    this.#ends.inc({ reason })
    if (at !== undefined) this.#drained.inc({ at })
    if (isBrokerFailure(reason)) this.#brokerFailures.inc({ broker, cause: reason })
  }

  /** Series that something may happen to are there from the first scrape on, with zero: a rate needs two values. */
  expect({ services, entitled, brokers, authenticators, refusals, drops, ends }: ExpectedSeries): void {
    for (const service of services) {
      this.#sessions.inc({ service }, 0)
      this.#opened.inc({ service }, 0)
    }
    for (const service of entitled)
      for (const outcome of ['allowed', 'refused', 'unavailable']) this.#entitlements.inc({ service, outcome }, 0)
    for (const broker of brokers) for (const cause of BROKER_FAILURES) this.#brokerFailures.inc({ broker, cause }, 0)
    for (const authenticator of authenticators) this.#authentications.inc({ authenticator, outcome: 'proven' }, 0)
    for (const outcome of UNPROVEN) this.#authentications.inc({ authenticator: '', outcome }, 0)
    for (const cause of refusals) this.#refusals.inc({ cause }, 0)
    for (const cause of drops) this.#drops.inc({ cause }, 0)
    for (const reason of ends) this.#ends.inc({ reason }, 0)
    for (const at of ['quiet', 'deadline']) this.#drained.inc({ at }, 0)
    for (const outcome of ['done', 'refused']) this.#reloads.inc({ outcome }, 0)
    for (const outcome of ['kept', 'changed', 'ended']) this.#reloadSessions.inc({ outcome }, 0)
  }

  /** A generation is in force. */
  configured(generation: number, hash: string): void {
    this.#generation.set(generation)
    this.#configuration.reset()
    this.#configuration.set({ hash }, 1)
  }

  workerEnded(): void {
    this.#workersEnded.inc()
  }

  /** @param sessions what became of them; absent where the reload was refused */
  reloaded(outcome: 'done' | 'refused', sessions: Readonly<Record<string, number>> = {}): void {
    this.#reloads.inc({ outcome })
    for (const [became, count] of Object.entries(sessions)) this.#reloadSessions.inc({ outcome: became }, count)
  }

  entitlementAsked(service: string, outcome: string, seconds: number): void {
    this.#entitlements.inc({ service, outcome })
    this.#entitlementSeconds.observe({ service }, seconds)
  }

  /** How many different questions are asked for live sessions. */
  watchEntitlements(questionCount: () => number): void {
    const help = 'Different questions to entitlement services that live sessions hang on.'
    readGauge([this.#registry], 'gatehouse_entitlement_questions', help, questionCount)
  }

  refused(cause: string): void {
    this.totals.refusedOnce(cause)
    this.#refusals.inc({ cause })
  }

  dropped(cause: string): void {
    this.#drops.inc({ cause })
  }

  authenticated(outcome: AuthenticationOutcome, authenticator = ''): void {
    this.#authentications.inc({ authenticator, outcome })
  }

  /** @param brokers those that services name now */
  watchNodes(brokers: () => Iterable<BrokerWithNodes>): void {
    watchNodes(this.#registry, brokers)
  }

  /** Of the store that gateways share; called where there is one. @param ops what it can be asked for */
  watchState(ops: readonly string[]): StateMetrics {
    return new StateMetrics(this.#registry, ops)
  }

  watchLimits(sources: LimitSources): void {
    watchLimits(this.#registry, sources)
  }

  /** @param doors those that listeners dial now */
  watchDoors(doors: () => Iterable<WatchedDoor>): void {
    watchDoors(this.#registry, doors)
  }

  close(): void {
    this.loopDelay.close()
    this.#registry.clear()
  }
}

function isBrokerFailure(reason: EndReason): reason is BrokerFailure {
  return (BROKER_FAILURES as readonly EndReason[]).includes(reason)
}
