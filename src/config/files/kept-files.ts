/**
 * Secret files, kept for a second: a password that every session needs is not read for every session.
 *
 * A second and no longer, whether a file has changed or not: its times could not tell, as one that is written twice within
 * a tick of the file system's clock keeps them. So all that is judged of it (whether it is there, who may write to it and to
 * the folders on its way) is judged again with it; and no secret stays in memory because somebody has once needed it.
 */

/** How long, from the moment at which reading begins. */
const KEPT_MS = 1000
/** Most files at a time, the oldest go first: names with variables are as many as there are people. */
const KEPT_COUNT = 512

interface Kept {
  readonly sinceMs: number
  readonly bytes: Promise<Buffer>
}

export class KeptFiles {
  readonly #readFile: (path: string) => Promise<Buffer>
  readonly #nowMs: () => number
  /** The oldest first. */
  readonly #byPath = new Map<string, Kept>()
  #timer: NodeJS.Timeout | undefined

  /**
   * @param readFile reads and judges a file; its buffer is overwritten here
   * @param nowMs never goes back
   */
  constructor(readFile: (path: string) => Promise<Buffer>, nowMs: () => number = () => performance.now()) {
    this.#readFile = readFile
    this.#nowMs = nowMs
  }

  /**
   * What was in the file a second ago at most, in a buffer that is the caller's. Whoever asks meanwhile waits for the same
   * reading. A failure is not kept: it is for those who were waiting.
   */
  async read(path: string): Promise<Buffer> {
    this.#dropOld()
    const { bytes } = this.#byPath.get(path) ?? this.#keep(path)
    // At once, in the order of asking: what is dropped is overwritten after everybody before it has a copy.
    return await bytes.then(copyOf)
  }

  #keep(path: string): Kept {
    const kept: Kept = { sinceMs: this.#nowMs(), bytes: this.#readFile(path) }
    this.#byPath.set(path, kept)
    kept.bytes.catch(() => {
      if (this.#byPath.get(path) === kept) this.#byPath.delete(path)
    })
    for (const [oldest, { bytes }] of this.#byPath) {
      if (this.#byPath.size <= KEPT_COUNT) break
      this.#drop(oldest, bytes)
    }
    this.#timer ??= this.#later(KEPT_MS)
    return kept
  }

  #dropOld(): void {
    const nowMs = this.#nowMs()
    for (const [path, { sinceMs, bytes }] of this.#byPath) {
      if (nowMs - sinceMs < KEPT_MS) return
      this.#drop(path, bytes)
    }
  }

  #drop(path: string, bytes: Promise<Buffer>): void {
    this.#byPath.delete(path)
    bytes.then(overwrite, () => undefined)
  }

  /** Nobody may come to ask: what has had its time goes all the same. */
  #later(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#dropOld()
      const [oldest] = this.#byPath.values()
      this.#timer = oldest === undefined ? undefined : this.#later(oldest.sinceMs + KEPT_MS - this.#nowMs())
    }, ms).unref()
  }
}

/** Outside of Node's shared memory. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.alloc(bytes.length)
  copy.set(bytes)
  return copy
}

function overwrite(bytes: Buffer): void {
  bytes.fill(0)
}
