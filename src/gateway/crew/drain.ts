/** The drain of a gateway of several processes: the primary has no sessions, and waits for those of its workers. */
import type { Drain, DrainTerms } from '../../sessions/drain.ts'
import type { Crew } from './crew.ts'

/** What drains a gateway, whatever it is made of. */
export type Drains = Pick<Drain, 'isOn' | 'refuses' | 'begin' | 'cancel' | 'cut'>

export class CrewDrain implements Drains {
  readonly #own: Drain
  readonly #crew: Crew

  constructor(own: Drain, crew: Crew) {
    this.#own = own
    this.#crew = crew
  }

  get isOn(): boolean {
    return this.#own.isOn
  }

  get refuses(): boolean {
    return this.#own.refuses
  }

  async begin(terms: DrainTerms, refusing?: () => void): Promise<void> {
    await Promise.all([this.#own.begin(terms, refusing), this.#crew.drain(terms)])
  }

  cancel(): boolean {
    this.#crew.undrain()
    return this.#own.cancel()
  }

  cut(): void {
    this.#own.cut()
    this.#crew.cut()
  }
}
