/** What there is to measure of the store that several gateways share. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What is decided without the store while it is away. */
export const STATE_FALLBACKS = ['attempts', 'sessions', 'revocations'] as const
export type StateFallback = (typeof STATE_FALLBACKS)[number]

export class StateMetrics {
  readonly #seconds: Histogram
  readonly #errors: Counter<'op'>
  readonly #fallbacks: Counter<'kind'>
  /** Whether the store answers. */
  up = false

  /** @param ops what the store can be asked for */
  constructor(registry: Registry, ops: readonly string[]) {
    const registers = [registry]
    const up: Gauge = new Gauge({
      name: 'gatehouse_state_up',
      help: '1: the store that gateways share answers and takes writes; 0: it does not.',
      registers,
      collect: () => up.set(Number(this.up)),
    })
    this.#seconds = new Histogram({
      name: 'gatehouse_state_seconds',
      help: 'From a question to the store to its answer, or to the failure.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
      registers,
    })
    this.#errors = new Counter({
      name: 'gatehouse_state_errors_total',
      help: 'Questions that the store did not answer in time or at all, by what was asked for.',
      labelNames: ['op'],
      registers,
    })
    this.#fallbacks = new Counter({
      name: 'gatehouse_state_fallbacks_total',
      help: 'Decisions that this process made by itself because the store was away, by kind.',
      labelNames: ['kind'],
      registers,
    })
    for (const op of ops) this.#errors.inc({ op }, 0)
    for (const kind of STATE_FALLBACKS) this.#fallbacks.inc({ kind }, 0)
  }

  answered(op: string, seconds: number, isFailure: boolean): void {
    this.#seconds.observe(seconds)
    if (isFailure) this.#errors.inc({ op })
  }

  fallenBack(kind: StateFallback): void {
    this.#fallbacks.inc({ kind })
  }
}
