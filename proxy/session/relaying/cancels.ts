/**
 * The cancellations on their way to the broker on one channel, the client's and the gateway's, in the order in which the
 * broker answers those of one tag. From the moment the gateway withdraws a consumer nothing is delivered to it; the client
 * is told of its end when the broker says so.
 */

interface Cancel {
  readonly tag: string
  readonly isGateways: boolean
  /** The client knows already. */
  isTold: boolean
  /** The tag has been given to another consumer behind it. */
  isPast: boolean
}

/** Whose cancellation an answer is for. */
export type Answered = 'client' | 'gateway' | 'gateway, told'

export class Cancels {
  readonly #pending: Cancel[] = []

  /** The client's `basic.cancel` has been forwarded, and will be answered. */
  asked(tag: string): void {
    this.#pending.push({ tag, isGateways: false, isTold: true, isPast: false })
  }

  /** The client's `basic.consume` has been forwarded. */
  consumed(tag: string): void {
    for (const cancel of this.#pending) if (cancel.tag === tag) cancel.isPast = true
  }

  /** @returns false where that consumer is withdrawn already */
  withdraw(tag: string): boolean {
    if (this.#pending.some((cancel) => cancel.isGateways && cancel.tag === tag && !cancel.isPast)) return false
    this.#pending.push({ tag, isGateways: true, isTold: false, isPast: false })
    return true
  }

  /** Whether what is delivered for this tag is withheld. */
  isWithdrawn(tag: string): boolean {
    return this.#pending.some((cancel) => cancel.isGateways && cancel.tag === tag)
  }

  /** The broker has cancelled it by itself, and the client gets that. */
  told(tag: string): void {
    for (const cancel of this.#pending) if (cancel.tag === tag) cancel.isTold = true
  }

  /** The broker's `cancel-ok`. */
  answered(tag: string): Answered {
    const at = this.#pending.findIndex((cancel) => cancel.tag === tag)
    const [cancel] = at === -1 ? [] : this.#pending.splice(at, 1)
    if (cancel?.isGateways !== true) return 'client'
    return cancel.isTold ? 'gateway, told' : 'gateway'
  }
}
