/** Asks for the overview every few seconds as long as the console is open, and remembers the last hour of it. */
import { useEffect, useState } from 'preact/hooks'
import type { Client } from '../api/client.ts'
import type { Overview } from '../api/shapes.ts'
import { useConsole } from './console-context.ts'
import { History, SAMPLE_MS } from './history.ts'
import { measuresOf } from './measures.ts'

export class Watch {
  readonly history = new History()
  readonly #client: Client
  readonly #seen = new Set<() => void>()
  #overview: Overview | undefined
  #error: unknown
  #timer: ReturnType<typeof setTimeout> | undefined
  #isStopped = false

  constructor(client: Client) {
    this.#client = client
  }

  /** The last one there was. */
  get overview(): Overview | undefined {
    return this.#overview
  }

  /** Why there is no newer one. */
  get error(): unknown {
    return this.#error
  }

  start(): void {
    this.#isStopped = false
    void this.#ask()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** @returns ends it */
  onChange(seen: () => void): () => void {
    this.#seen.add(seen)
    return () => this.#seen.delete(seen)
  }

  async #ask(): Promise<void> {
    try {
      const overview = await this.#client.get<Overview>('overview')
      this.#overview = overview
      this.#error = undefined
      this.history.add(Date.now(), measuresOf(overview))
    } catch (error) {
      this.#error = error
      this.history.add(Date.now(), {})
    }
    if (this.#isStopped) return
    for (const seen of this.#seen) seen()
    this.#timer = setTimeout(() => void this.#ask(), SAMPLE_MS)
  }
}

/** Renders again with each sample. */
export function useWatch(): Watch {
  const { watch } = useConsole()
  const [, setCount] = useState(0)
  useEffect(() => watch.onChange(() => setCount((count) => count + 1)), [watch])
  return watch
}
