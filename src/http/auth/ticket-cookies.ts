/**
 * Ticket cookies of the last minute, so that an upgrade without one can be told from one whose cookie the browser kept to
 * itself: then the page asked in the wrong way, and its log says nothing of it.
 */

const REMEMBERED_MS = 60_000
const MOST = 1000

export interface CookieHolder {
  readonly service: string
  readonly origin: string | undefined
  /** Of the client. */
  readonly address: string
}

export class TicketCookies {
  readonly #nowMs: () => number
  /** When each was issued, oldest first. */
  readonly #issuedAtMs = new Map<string, number>()

  /** @param nowMs a clock that only goes on */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  issued(holder: CookieHolder): void {
    const key = keyOf(holder)
    this.#issuedAtMs.delete(key)
    this.#issuedAtMs.set(key, this.#nowMs())
    for (const oldest of this.#issuedAtMs.keys()) {
      if (this.#issuedAtMs.size <= MOST) break
      this.#issuedAtMs.delete(oldest)
    }
  }

  /** For the log; undefined where none is missing. It is told once. */
  missing(holder: CookieHolder): string | undefined {
    const issuedAtMs = this.#take(holder)
    if (issuedAtMs === undefined || this.#nowMs() - issuedAtMs > REMEMBERED_MS) return undefined
    const seconds = Math.round((this.#nowMs() - issuedAtMs) / 1000)
    return `a ticket cookie was issued to this origin ${seconds} s ago and did not come back: fetch it with credentials: 'include', from a page of the gateway's own site`
  }

  /** It came back, or something else proved who it is. */
  cameBack(holder: CookieHolder): void {
    if (this.#issuedAtMs.size > 0) this.#take(holder)
  }

  #take(holder: CookieHolder): number | undefined {
    const key = keyOf(holder)
    const issuedAtMs = this.#issuedAtMs.get(key)
    this.#issuedAtMs.delete(key)
    return issuedAtMs
  }
}

function keyOf({ service, origin = '', address }: CookieHolder): string {
  return `${service} ${origin} ${address}`
}
