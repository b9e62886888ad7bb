/**
 * Standard output as the log writes it: in order, never waiting for a reader. What some milliseconds bring is written at
 * once, by a thread of Node's pool: handing that thread one line and hearing back costs a session more than the line does.
 *
 * Invariant: what `write` says true of is written unless the process is killed or the reader goes away, and what waits is
 * bounded. Pino's own destination says nothing where the reader has gone, and does not end where a disk is full.
 */
import { write, writeSync } from 'node:fs'

const STDOUT = 1
/** What may wait for a reader that does not read. */
const PENDING_BYTES = 4 * 1024 * 1024
/** How late a line may be, and so what a killed process takes with it. One that ends by itself writes the rest. */
const GATHER_MS = 10
/** So much does not wait for more. */
const GATHER_BYTES = 64 * 1024
/** A pipe that is full, and was made not to block by somebody who shares it. */
const RETRY_MS = 100
/** A disk that is full, or whatever else failed: nobody may be there whose line would try again. */
const BROKEN_RETRY_MS = 1_000
/** For what waits at the end. */
const FLUSH_MS = 10_000

export class StandardOutput {
  static #current: StandardOutput | undefined

  /** Of this process: it has one standard output, however many gateways. */
  static get current(): StandardOutput {
    StandardOutput.#current ??= new StandardOutput()
    return StandardOutput.#current
  }

  readonly #onGathered = (): void => {
    this.#isGathering = false
    this.#begin()
  }
  readonly #onWritten = (error: NodeJS.ErrnoException | null, bytes: number): void => this.#written(error, bytes)
  #timer: NodeJS.Timeout | undefined
  #isGathering = false
  #gathered = ''
  #gatheredBytes = 0
  /** What a thread writes, or what the last attempt left. */
  #writing: Buffer | undefined
  #isUnderWay = false
  /** The last attempt failed. */
  #isBroken = false
  /** So much waits that a line was not taken. */
  #isFull = false
  /** Of all lines that were taken. */
  #takenBytes = 0
  /** Those who wait for so many bytes to be written. */
  readonly #waiting = new Set<{ readonly upToBytes: number; readonly done: () => void }>()

  private constructor() {
    process.once('exit', () => this.#finish())
  }

  /** Writes one line, with its line break. False when it is not written: nobody reads, or the last attempt failed. */
  write(line: string): boolean {
    if (this.#isBroken) {
      // Tries again with what waits.
      this.#gather()
      return false
    }
    const bytes = Buffer.byteLength(line)
    this.#isFull = this.#pendingBytes + bytes > PENDING_BYTES
    if (this.#isFull) return false
    this.#gathered += line
    this.#gatheredBytes += bytes
    this.#takenBytes += bytes
    if (this.#gatheredBytes >= GATHER_BYTES) this.#begin()
    else this.#gather()
    return true
  }

  /** Whether the next line would not be written, as far as one can tell. */
  get isFailing(): boolean {
    return this.#isBroken || this.#isFull
  }

  /**
   * Resolves when all that has been taken so far has been handed to the operating system, or cannot be, and after ten
   * seconds at most. Never rejects.
   */
  async flush(): Promise<void> {
    if (this.#pendingBytes === 0) return
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(giveUp)
        this.#waiting.delete(waiting)
        resolve()
      }
      const giveUp = setTimeout(done, FLUSH_MS)
      const waiting = { upToBytes: this.#takenBytes, done }
      this.#waiting.add(waiting)
      this.#begin()
    })
  }

  get #pendingBytes(): number {
    return this.#gatheredBytes + (this.#writing?.length ?? 0)
  }

  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    if (this.#timer === undefined) this.#timer = setTimeout(this.#onGathered, GATHER_MS)
    else this.#timer.refresh()
  }

  #begin(): void {
    if (this.#isUnderWay) return
    if (this.#writing === undefined) {
      if (this.#gatheredBytes === 0) return
      this.#writing = this.#take()
    }
    this.#attempt(this.#writing)
  }

  #attempt(bytes: Buffer): void {
    this.#isUnderWay = true
    write(STDOUT, bytes, this.#onWritten)
  }

  #written(error: NodeJS.ErrnoException | null, bytes: number): void {
    const writing = this.#writing as Buffer
    if (error?.code === 'EAGAIN') {
      setTimeout(() => this.#attempt(writing), RETRY_MS)
      return
    }
    this.#isUnderWay = false
    this.#isBroken = error !== null
    if (error === null) {
      this.#writing = bytes < writing.length ? writing.subarray(bytes) : undefined
      this.#isFull = false
    } else setTimeout(this.#onGathered, BROKEN_RETRY_MS).unref()
    const writtenBytes = this.#isBroken ? Number.POSITIVE_INFINITY : this.#takenBytes - this.#pendingBytes
    for (const { upToBytes, done } of this.#waiting) if (upToBytes <= writtenBytes) done()
    // Somebody waits for the end, or it has waited while this was written.
    if (!this.#isBroken) this.#begin()
  }

  #take(): Buffer {
    const bytes = Buffer.from(this.#gathered)
    this.#gathered = ''
    this.#gatheredBytes = 0
    return bytes
  }

  /** The process ends now. What a thread is writing is left to it. */
  #finish(): void {
    const left = this.#isUnderWay || this.#writing === undefined ? [] : [this.#writing]
    if (this.#gatheredBytes > 0) left.push(this.#take())
    try {
      for (const bytes of left) writeSync(STDOUT, bytes)
    } catch {
      // Nobody is left to be told.
    }
  }
}
