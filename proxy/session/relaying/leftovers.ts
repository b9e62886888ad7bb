/**
 * What the broker may still send of the channel that had a number before. RabbitMQ's reader lets go of a number when it
 * reads the close-ok; the channel's process, which has closed it for an exception, may have deliveries and confirms in its
 * mailbox then, and sends them after the `open-ok` of the next channel if need be. They are known by that nobody has asked
 * for them on the new one.
 */
import { indexOf } from '../../codec/method.ts'

const OPEN_OK = indexOf('channel.open-ok')
const CONSUME = indexOf('basic.consume')
const CONFIRM_SELECT = indexOf('confirm.select')
const OF_CONSUMERS: readonly number[] = [
  indexOf('basic.deliver'),
  indexOf('basic.consume-ok'),
  indexOf('basic.cancel'),
  indexOf('basic.cancel-ok'),
]
const OF_CONFIRMS: readonly number[] = [indexOf('basic.ack'), indexOf('basic.nack')]

export class Leftovers {
  /** The broker has answered the open. */
  isOpen = false
  #consumes = false
  #confirms = false

  /** The client's method has been forwarded. */
  forwarded(index: number): void {
    if (index === CONSUME) this.#consumes = true
    else if (index === CONFIRM_SELECT) this.#confirms = true
  }

  /** Whether the broker's method is of the channel before. */
  has(index: number): boolean {
    if (index === OPEN_OK) this.isOpen = true
    if (!this.isOpen) return true
    return (!this.#consumes && OF_CONSUMERS.includes(index)) || (!this.#confirms && OF_CONFIRMS.includes(index))
  }
}
