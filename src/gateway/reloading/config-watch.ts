/**
 * Watches the configuration file, as `watch: true` asks for. It looks through symbolic links ten times a second: Kubernetes
 * swaps a link above the file, editors rename a new file over the old one, and neither is seen by watching the file itself.
 */
import { type BigIntStats, stat } from 'node:fs'

const LOOK_MS = 100
/** A file that is written in place is whole when it has not changed for so long. */
const STABLE_MS = 1_000

export class ConfigWatch {
  readonly #file: string
  readonly #changed: () => void
  #timer: NodeJS.Timeout | undefined
  /** As it was taken last; absent before the first look. */
  #taken: BigIntStats | undefined
  /** As it is being written. */
  #written: { readonly stats: BigIntStats; readonly sinceMs: number } | undefined
  /** Since when it has been away; `told` once that has been taken for a change. */
  #away: { readonly sinceMs: number; told: boolean } | undefined

  constructor(file: string, changed: () => void) {
    this.#file = file
    this.#changed = changed
  }

  /** Begins to watch or stops; goes on watching where it does already, so that no change is lost between reloads. */
  follow(isWanted: boolean): void {
    if (!isWanted) {
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#taken = undefined
      this.#written = undefined
      this.#away = undefined
    } else if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
      this.#look()
    }
  }

  #look(): void {
    const timer = this.#timer
    stat(this.#file, { bigint: true }, (error, stats) => {
      // A look that watching has outlived says nothing of now.
      if (this.#timer !== timer) return
      if (error === null) this.#seen(stats)
      else this.#missed()
    })
  }

  /** A file that is away for a moment is about to be replaced. One that stays away is a mistake, and the reload says so. */
  #missed(): void {
    this.#away ??= { sinceMs: performance.now(), told: false }
    if (this.#away.told || performance.now() - this.#away.sinceMs < STABLE_MS) return
    this.#away.told = true
    this.#changed()
  }

  #seen(stats: BigIntStats): void {
    const taken = this.#taken
    this.#away = undefined
    if (taken === undefined) {
      this.#taken = stats
    } else if (!isSameFile(taken, stats)) {
      this.#take(stats)
    } else if (isSameContent(taken, stats)) {
      this.#written = undefined
    } else if (this.#written === undefined || !isSameContent(this.#written.stats, stats)) {
      this.#written = { stats, sinceMs: performance.now() }
    } else if (performance.now() - this.#written.sinceMs >= STABLE_MS) {
      this.#take(stats)
    }
  }

  #take(stats: BigIntStats): void {
    this.#taken = stats
    this.#written = undefined
    this.#changed()
  }
}

function isSameFile(one: BigIntStats, other: BigIntStats): boolean {
  return one.dev === other.dev && one.ino === other.ino
}

function isSameContent(one: BigIntStats, other: BigIntStats): boolean {
  return one.mtimeNs === other.mtimeNs && one.size === other.size
}
