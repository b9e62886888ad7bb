/**
 * Whether the gateway lives and whether it could serve somebody: every broker that a service names has to greet. Brokers
 * are asked at most once in five seconds, whoever asks how often.
 */
import { type BrokerTarget, probeBroker } from '../../proxy/index.ts'

const CACHED_MS = 5_000
const PROBE_MS = 3_000

/** A broker that a service names; its target may change between two questions. */
export interface NamedBroker {
  readonly name: string
  readonly target: BrokerTarget
}

export interface BrokerHealth {
  /** The broker's key in the configuration. */
  readonly name: string
  readonly ready: boolean
  /** The URL that greeted, or why none did. */
  readonly detail: string
}

export interface Readiness {
  readonly ready: boolean
  readonly draining: boolean
  readonly brokers: readonly BrokerHealth[]
}

export type Probe = (target: BrokerTarget, timeoutMs: number) => Promise<string>

export class Health {
  readonly #named: () => readonly NamedBroker[]
  readonly #isDraining: () => boolean
  readonly #probe: Probe
  readonly #nowMs: () => number
  #asked: Promise<readonly BrokerHealth[]> | undefined
  #askedAtMs = 0

  constructor(
    brokers: () => readonly NamedBroker[],
    isDraining: () => boolean,
    probe: Probe = probeBroker,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#named = brokers
    this.#isDraining = isDraining
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

  async #ask({ name, target }: NamedBroker): Promise<BrokerHealth> {
    try {
      return { name, ready: true, detail: await this.#probe(target, PROBE_MS) }
    } catch (error) {
      return { name, ready: false, detail: error instanceof Error ? error.message : 'unknown failure' }
    }
  }
}
