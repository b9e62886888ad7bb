/**
 * Reloads that nobody waits for, as signals and a watched file ask for them. One is under way and at most one waits: it
 * reads everything that was there when it was asked for, so that it answers all who asked meanwhile.
 */
import { ReloadRefused } from './report.ts'

const BUSY_MS = 500

export class ReloadRequests {
  readonly #reload: () => Promise<unknown>
  #isUnderWay = false
  #isWaiting = false

  /** @param reload writes down by itself why it refused */
  constructor(reload: () => Promise<unknown>) {
    this.#reload = reload
  }

  ask(): void {
    if (this.#isUnderWay) {
      this.#isWaiting = true
      return
    }
    this.#isUnderWay = true
    // Whatever is no refusal is a fault of the gateway, and ends the process as others do.
    void this.#run()
  }

  async #run(): Promise<void> {
    do {
      this.#isWaiting = false
      await this.#once()
    } while (this.#isWaiting)
    this.#isUnderWay = false
  }

  async #once(): Promise<void> {
    try {
      await this.#reload()
    } catch (error) {
      if (!(error instanceof ReloadRefused)) throw error
      // Somebody else's reload may have read the file before it changed.
      if (error.code !== 'busy') return
      this.#isWaiting = true
      await new Promise((resolve) => setTimeout(resolve, BUSY_MS).unref())
    }
  }
}
