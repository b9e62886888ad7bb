/**
 * What all client ends together have carried and still hold: plain numbers, read when somebody scrapes or when the
 * bound is checked, so that a message costs an addition.
 */
export class Traffic {
  bytesFromClients = 0
  bytesToClients = 0
  messagesFromClients = 0
  messagesToClients = 0
  /** Bytes of WebSocket messages that are not complete yet. */
  heldBytes = 0

  #boundBytes = Number.POSITIVE_INFINITY
  #overrun = (): void => {}
  #overrunPending = false

  /** Calls `overrun` where more than `boundBytes` are held, once for each turn of the event loop at most. */
  guard(boundBytes: number, overrun: () => void): void {
    this.#boundBytes = boundBytes
    this.#overrun = overrun
  }

  fromClient(bytes: number): void {
    this.bytesFromClients += bytes
    this.messagesFromClients++
  }

  toClient(bytes: number): void {
    this.bytesToClients += bytes
    this.messagesToClients++
  }

  held(change: number): void {
    this.heldBytes += change
    if (this.heldBytes <= this.#boundBytes || this.#overrunPending) return
    this.#overrunPending = true
    setImmediate(() => {
      this.#overrunPending = false
      if (this.heldBytes > this.#boundBytes) this.#overrun()
    })
  }
}
