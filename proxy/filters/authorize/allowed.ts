/**
 * The last publish that was allowed, as bytes. Who publishes much mostly publishes with the same exchange and key, and
 * comparing costs less than reading them.
 */
import type { PublishView } from '../filter.ts'

/** Two short strings of any length fit in after a few growths. */
const STEP_BYTES = 64

export class AllowedPublish {
  #bytes: Buffer | undefined
  #length = 0
  #revision = -1

  /** Whether this method's arguments are the very bytes that were allowed last, at this revision of the policy. */
  has({ buffer, start, end }: PublishView, revision: number): boolean {
    const bytes = this.#bytes
    if (bytes === undefined || this.#length !== end - start || this.#revision !== revision) return false
    for (let at = this.#length - 1; at >= 0; at -= 1) if (bytes[at] !== buffer[start + at]) return false
    return true
  }

  set({ buffer, start, end }: PublishView, revision: number): void {
    const length = end - start
    if (this.#bytes === undefined || this.#bytes.length < length) {
      this.#bytes = Buffer.alloc(Math.ceil(length / STEP_BYTES) * STEP_BYTES)
    }
    buffer.copy(this.#bytes, 0, start, end)
    this.#length = length
    this.#revision = revision
  }
}
