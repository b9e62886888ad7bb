/**
 * Direct reply-to: the addresses that were delivered to a session, which are the only ones it may answer to.
 *
 * An address is a capability: whoever knows it may publish to it, and the broker checks nothing. So one is taken from
 * deliveries only, never from what the client says. [RabbitMQ: direct reply-to]
 */

/** The pseudo queue that requesters consume from and put into `reply-to`. */
export const DIRECT_REPLY_TO = 'amq.rabbitmq.reply-to'

/** Most addresses remembered; those unused for longest are forgotten. */
export const ADDRESSES_MAX = 10_000

/** Whether a queue name is the pseudo queue or any address made from it, forged ones included. */
export function isReplyName(queue: string): boolean {
  return queue.startsWith(DIRECT_REPLY_TO)
}

export class ReplyAddresses {
  /** Made when first needed: most sessions answer nobody. */
  #addresses: Set<string> | undefined

  /** A message with this `reply-to` was delivered to the session. */
  learn(replyTo: string): void {
    if (!isReplyName(replyTo) || replyTo === DIRECT_REPLY_TO) return
    this.#addresses ??= new Set()
    refresh(this.#addresses, replyTo)
    if (this.#addresses.size <= ADDRESSES_MAX) return
    for (const oldest of this.#addresses) {
      this.#addresses.delete(oldest)
      return
    }
  }

  /** Whether this very address was delivered to the session. */
  knows(address: string): boolean {
    if (this.#addresses?.has(address) !== true) return false
    refresh(this.#addresses, address)
    return true
  }
}

/** Makes it the youngest: sets are ordered by insertion. */
function refresh(addresses: Set<string>, address: string): void {
  addresses.delete(address)
  addresses.add(address)
}
