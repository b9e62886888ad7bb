/**
 * Whether the gateway lives and whether it could serve somebody: every broker that a service names has to greet. Brokers
 * are asked at most once in five seconds, whoever asks how often.
 */
import { type BrokerFailure, BrokerUnavailable, type Dialler, probeBroker } from '../../proxy/index.ts'

const CACHED_MS = 5_000
const PROBE_MS = 3_000

/** A broker that a service names; its dialler may change between two questions. */
export interface NamedBroker {
  readonly name: string
  readonly dialler: Dialler
}

export interface BrokerHealth {
  /** The broker's key in the configuration. */
  readonly name: string
  readonly ready: boolean
  /** Why it is not; one of a closed set, so that whoever may ask learns of no address. */
  readonly cause?: BrokerFailure
}

/** A broker that was not ready before and is now, or the other way round. `detail` names URLs, for operators. */
export interface BrokerChange extends BrokerHealth {
  readonly detail: string
}

export interface Readiness {
  readonly ready: boolean
  readonly draining: boolean
  readonly brokers: readonly BrokerHealth[]
}

/** Resolves with the URL that greeted. */
export type Probe = (dialler: Dialler, timeoutMs: number) => Promise<string>

export interface HealthOptions {
  /** Those that services name now. */
  readonly brokers: () => readonly NamedBroker[]
  readonly isDraining: () => boolean
  /** Told when a broker has not answered, and when it answers again. */
  readonly observe: (change: BrokerChange) => void
  readonly probe?: Probe
  readonly nowMs?: () => number
}

export class Health {
  readonly #named: () => readonly NamedBroker[]
  readonly #isDraining: () => boolean
  readonly #observe: (change: BrokerChange) => void
  readonly #probe: Probe
  readonly #nowMs: () => number
  /** Brokers that did not answer when they were asked last. */
  readonly #away = new Set<string>()
  #asked: Promise<readonly BrokerHealth[]> | undefined
  #askedAtMs = 0

  constructor({ brokers, isDraining, observe, probe = probeBroker, nowMs = () => performance.now() }: HealthOptions) {
    this.#named = brokers
    this.#isDraining = isDraining
    this.#observe = observe
    this.#probe = probe
    this.#nowMs = nowMs
  }

  /** Never rejects; takes as long as the slowest broker, three seconds at most. */
  async readiness(): Promise<Readiness> {
    const brokers = await this.#brokers()
    const draining = this.#isDraining()
    return { ready: !draining && brokers.every(({ ready }) => ready), draining, brokers }
  }

  /** Concurrent questions share one answer, and its age counts from the question. */
  #brokers(): Promise<readonly BrokerHealth[]> {
    if (this.#asked === undefined || this.#nowMs() - this.#askedAtMs >= CACHED_MS) {
      this.#askedAtMs = this.#nowMs()
      this.#asked = Promise.all(this.#named().map((broker) => this.#ask(broker)))
    }
    return this.#asked
  }

  async #ask({ name, dialler }: NamedBroker): Promise<BrokerHealth> {
    try {
      const detail = await this.#probe(dialler, PROBE_MS)
      if (this.#away.delete(name)) this.#observe({ name, ready: true, detail })
      return { name, ready: true }
    } catch (error) {
      const cause = error instanceof BrokerUnavailable ? error.failure : 'other'
      const detail = error instanceof Error ? error.message : 'unknown failure'
      if (!this.#away.has(name)) this.#observe({ name, ready: false, cause, detail })
      this.#away.add(name)
      return { name, ready: false, cause }
    }
  }
}
