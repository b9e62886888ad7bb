/** A client as pages are: sent away, it comes back at once, to whichever gateway the balancer chooses. */
import { setTimeout as pause } from 'node:timers/promises'
import { DrainClient, type DrainDoor, type Habit } from '../support/drain-load.ts'
import type { Random } from '../support/random.ts'

/** Before it tries again where it was not let in. */
const AGAIN_MS = 250

export interface RollingClientOptions {
  readonly door: DrainDoor
  readonly habit: Habit
  /** Of its queues: one for each session. */
  readonly queue: string
  readonly random: Random
}

export class RollingClient {
  /** Each of them ended before the next one. */
  readonly sessions: DrainClient[] = []
  /** From the end of a session until the next one was at work, ms. */
  readonly gapsMs: number[] = []
  /** Why it was not let in, each time. */
  readonly failures: string[] = []
  readonly #options: RollingClientOptions
  #current: DrainClient | undefined
  #isStopping = false

  private constructor(options: RollingClientOptions) {
    this.#options = options
  }

  /** Resolves when its first session is open. */
  static async start(options: RollingClientOptions): Promise<RollingClient> {
    const client = new RollingClient(options)
    await client.#open()
    return client
  }

  /** Whether it has a session now. */
  get isOpen(): boolean {
    return this.#current !== undefined
  }

  publish(): void {
    if (this.#options.habit !== 'idle') this.#current?.publish()
  }

  stop(): void {
    this.#isStopping = true
    this.#current?.vanish()
  }

  async #open(): Promise<void> {
    const { door, habit, queue, random } = this.#options
    const session = await DrainClient.open(door, habit, `${queue}-${this.sessions.length}`, random)
    this.sessions.push(session)
    this.#current = session
    void session.ended(0).then(() => this.#comeBack())
  }

  async #comeBack(): Promise<void> {
    const sinceMs = performance.now()
    this.#current = undefined
    while (!this.#isStopping) {
      try {
        await this.#open()
        this.gapsMs.push(performance.now() - sinceMs)
        return
      } catch (error) {
        this.failures.push(String(error))
        await pause(this.#options.random.below(AGAIN_MS))
      }
    }
  }
}
