/**
 * Whether the process can afford one more session, and whether it can afford those it has: memory and file descriptors,
 * looked at once a second by the ticker of all sessions. Reading both is cheap enough for that and too dear for every
 * upgrade. Who has to go is decided elsewhere.
 */
import { readFileSync } from 'node:fs'

const HEAP_RATIO = 0.85
const SPENT_HEAP_RATIO = 0.92
/** At so many looks in a row: a heap may be full of garbage for a moment before it is collected. */
const SPENT_LOOKS = 2
/** Kept free for who is refused, by a text that can be read: as many as wait at a listener to be accepted. */
const SPARE_DESCRIPTORS = 512
/** Of few descriptors not so many. */
const SPARE_RATIO = 0.1
/** Descriptors that are no client's: listeners, log, files, key sets being fetched. */
const OWN_DESCRIPTORS = 64

export interface PressureSources {
  readonly heapRatio: () => number
  /** Sockets of clients and of brokers. */
  readonly sockets: () => number
  readonly descriptorLimit: number
}

export class Pressure {
  readonly #sources: PressureSources
  readonly #spareDescriptors: number
  #heapIsShort = false
  #spentLooks = 0

  constructor(sources: PressureSources) {
    this.#sources = sources
    this.#spareDescriptors = Math.min(SPARE_DESCRIPTORS, Math.floor(sources.descriptorLimit * SPARE_RATIO))
  }

  /** Looks at the heap again. */
  tick(): void {
    const ratio = this.#sources.heapRatio()
    this.#heapIsShort = ratio >= HEAP_RATIO
    this.#spentLooks = ratio >= SPENT_HEAP_RATIO ? this.#spentLooks + 1 : 0
  }

  /** Whether refusing new sessions is not enough any more. */
  get heapIsSpent(): boolean {
    return this.#spentLooks >= SPENT_LOOKS
  }

  /** What there is too little of for a new session, if anything. */
  shortage(): string | undefined {
    if (this.#heapIsShort) return `the heap is filled to ${HEAP_RATIO * 100} % or more`
    if (this.#descriptorsLeft < this.#spareDescriptors) {
      return `fewer than ${this.#spareDescriptors} of ${this.#sources.descriptorLimit} file descriptors are left`
    }
    return undefined
  }

  /** Whether one more connection can be taken at all, if only to refuse it; what dials a broker comes first. */
  get takesConnections(): boolean {
    return this.#descriptorsLeft >= this.#spareDescriptors / 2
  }

  get #descriptorsLeft(): number {
    return this.#sources.descriptorLimit - this.#sources.sockets() - OWN_DESCRIPTORS
  }
}

/** The soft limit of open files; infinite where the system does not say. */
export function descriptorLimit(limitsFile = '/proc/self/limits'): number {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync(limitsFile, 'utf8'))
    return found === null ? Number.POSITIVE_INFINITY : Number(found[1])
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
