/**
 * How many may be at the door at once: unfinished handshakes of one address, and sockets that are being refused in
 * band. Counters only; who is refused for it, and how, the upgrade decides.
 */
import { networkOf } from '../../auth/index.ts'

/** Sockets that are being refused in band, of all clients and of one address. Beyond them refusals go by HTTP. */
const REFUSED_IN_BAND = 512
const REFUSED_IN_BAND_PER_ADDRESS = 64

/** Gives a place back; the second call does nothing. */
export type Leave = () => void

export class Admission {
  readonly #handshakes = new Places()
  readonly #refused = new Places()

  /** Takes a place among the unfinished handshakes of an address; `undefined` when it has no more. */
  enter(address: string, mostPerAddress: number): Leave | undefined {
    return this.#handshakes.take(networkOf(address), mostPerAddress, Number.POSITIVE_INFINITY)
  }

  /** Takes a place among the sockets that are refused in band; `undefined` when there are enough of them. */
  enterRefused(address: string): Leave | undefined {
    return this.#refused.take(networkOf(address), REFUSED_IN_BAND_PER_ADDRESS, REFUSED_IN_BAND)
  }

  get handshakeCount(): number {
    return this.#handshakes.count
  }

  get refusedCount(): number {
    return this.#refused.count
  }
}

/** Places counted per key; a key without any costs nothing. */
class Places {
  readonly #byKey = new Map<string, number>()
  count = 0

  take(key: string, mostPerKey: number, most: number): Leave | undefined {
    const taken = this.#byKey.get(key) ?? 0
    if (taken >= mostPerKey || this.count >= most) return undefined
    this.#byKey.set(key, taken + 1)
    this.count++
    let left = false
    return () => {
      if (left) return
      left = true
      this.count--
      const rest = (this.#byKey.get(key) ?? 1) - 1
      if (rest === 0) this.#byKey.delete(key)
      else this.#byKey.set(key, rest)
    }
  }
}
