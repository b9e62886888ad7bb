/**
 * A channel number on the broker's leg, where the gateway is the client. A close of the broker's is answered at once,
 * whatever the client does about its own: what the client sends on the channel until then is not forwarded any more. Only a
 * content of which the broker has a part already is sent to its end first, as RabbitMQ puts contents together on closed
 * channels, too. [AMQP §4.2.6, §4.5]
 *
 *            ask           over
 *   open ──────────▶ asked ──────▶ closed
 *     │                │             ▲
 *     │ closes         │ closes      │
 *     └────────────────┴─────▶ owing ┤
 *                      └─────────────┘
 *
 * Where both have closed it, nobody waits for the broker's close-ok, which has no deadline: RabbitMQ lets go of the number
 * when it reads the gateway's. It sends its own without waiting until that is written, and ends the process then.
 */
export type BrokerChannelState =
  | 'closed'
  | 'open'
  /** The gateway has closed it, and is owed a close-ok. */
  | 'asked'
  /** The broker has closed it, and is answered when the content on its way is complete. */
  | 'owing'

export class BrokerChannel {
  state: BrokerChannelState = 'closed'

  open(): void {
    this.state = 'open'
  }

  /** A close for the broker. @returns whether it is to be sent */
  ask(): boolean {
    if (this.state !== 'open') return false
    this.state = 'asked'
    return true
  }

  /**
   * The broker's close. @param waits whether it must wait for its answer; a close for it that waits, too, is not sent then
   * @returns false when the broker has closed it before
   */
  closes(waits: boolean): boolean {
    if (this.state !== 'open' && this.state !== 'asked') return false
    this.state = waits ? 'owing' : 'closed'
    return true
  }

  /** What waited for the end of a content has been sent. */
  sent(): void {
    if (this.state === 'owing') this.state = 'closed'
  }

  /** The broker's close-ok. @returns false when nobody waits for it */
  over(): boolean {
    if (this.state !== 'asked') return false
    this.state = 'closed'
    return true
  }
}
