/**
 * A channel number on the client's leg, where the gateway is the server, as RabbitMQ is one: a close of the client's that
 * crosses the server's own is answered at once, and does not take the place of the close-ok that the client owes.
 * [AMQP §4.3, §4.5]
 *
 *            asks          over
 *   open ──────────▶ asked ──────▶ closed
 *     │                │             ▲
 *     │ tell           │ tell        │ close-ok
 *     ▼      asks      ▼             │
 *   told ──────────▶ crossed ────────┤
 *     └──────────────────────────────┘
 */
export type ClientChannelState =
  | 'closed'
  | 'open'
  /** The client has closed it, and is owed a close-ok. */
  | 'asked'
  /** The client has been told of a close, and owes a close-ok. */
  | 'told'
  /** Both: the client's own close has been answered, and it owes a close-ok still. */
  | 'crossed'

export class ClientChannel {
  state: ClientChannelState = 'closed'

  open(): void {
    this.state = 'open'
  }

  /** The client's close, on a channel that is open or told. @returns whether it is answered at once; otherwise when it is `over` */
  asks(): boolean {
    this.state = this.state === 'told' ? 'crossed' : 'asked'
    return this.state === 'crossed'
  }

  /** A close for the client, on a channel that is open or asked. @returns whether a close-ok follows: the two have crossed */
  tell(): boolean {
    this.state = this.state === 'asked' ? 'crossed' : 'told'
    return this.state === 'crossed'
  }

  /** The client's close-ok. @returns false when nobody has asked for it */
  answers(): boolean {
    if (this.state !== 'told' && this.state !== 'crossed') return false
    this.state = 'closed'
    return true
  }

  /** The channel is over at the broker. @returns whether the client is owed its close-ok now */
  over(): boolean {
    if (this.state !== 'asked') return false
    this.state = 'closed'
    return true
  }

  /** A client whose own close was answered may open the number again: it has let go of the close-ok that it owed. */
  lets(): void {
    if (this.state === 'crossed') this.state = 'closed'
  }
}
