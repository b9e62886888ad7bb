/**
 * The channels of one session, each with the two closing handshakes it may be in (one for each leg) and the content
 * that is on its way in each direction. A number is free again only when both legs are done with it.
 */
import type { ChannelFault } from '../../faults.ts'

/** What must come next on a channel in one direction. [AMQP §4.2.6] */
export const EXPECT_METHOD = 0
export const EXPECT_HEADER = 1
export const EXPECT_BODY = 2
export type Expect = typeof EXPECT_METHOD | typeof EXPECT_HEADER | typeof EXPECT_BODY

/** Content on its way in one direction of one channel. */
class ContentState {
  expect: Expect = EXPECT_METHOD
  /** Decided at its method: none of it goes on. */
  dropped = false
  /** Body bytes still to come. */
  remaining = 0
  /** Body frames without a byte in them, seen within this content. */
  emptyFrames = 0

  startBody(size: number): void {
    this.expect = size === 0 ? EXPECT_METHOD : EXPECT_BODY
    this.remaining = size
    this.emptyFrames = 0
  }

  /** Takes a body frame's payload; the caller has checked that it fits. */
  takeBody(bytes: number): void {
    this.remaining -= bytes
    if (bytes === 0) this.emptyFrames++
    if (this.remaining === 0) this.expect = EXPECT_METHOD
  }
}

/**
 * One leg's closing handshake. `sent`: the peer has been told and its close-ok is awaited; `owed`: the peer has asked
 * and a close-ok is owed to it; both at once is legal. `answered`: the peer's own close has been answered.
 */
class Closing {
  sent = false
  owed = false
  answered = false

  get under(): boolean {
    return this.sent || this.owed
  }
}

export class Channel {
  readonly number: number
  readonly fromClient = new ContentState()
  readonly fromBroker = new ContentState()
  readonly client = new Closing()
  readonly broker = new Closing()

  /** A `basic.publish` whose content header has not been judged yet: `held[heldStart, heldEnd)` is its method frame. */
  held: Buffer | undefined
  heldStart = 0
  heldEnd = 0

  /** To be closed by the gateway as soon as the client's content, part of which is with the broker already, is complete. */
  closeAfterContent: ChannelFault | undefined

  /** Frames of the gateway's own for the client, waiting until the broker's content on its way is complete. */
  atClientBoundary: Buffer[] | undefined

  constructor(number: number) {
    this.number = number
  }

  /** Whether any close is under way, on either leg. */
  get closing(): boolean {
    return this.client.under || this.broker.under
  }

  /**
   * Whether the client has been told of the channel's end, and perhaps has answered and forgotten it already: what the
   * broker still sends on it is dropped. A client that asked for the end itself hears everything until its close-ok.
   */
  get deafToBroker(): boolean {
    return this.client.sent || (this.broker.sent && !this.client.owed)
  }

  /** Keeps a publish's method frame back until its content header is judged. */
  hold(buffer: Buffer, start: number, end: number): void {
    this.held = buffer
    this.heldStart = start
    this.heldEnd = end
    this.fromClient.expect = EXPECT_HEADER
  }

  /** Forgets a held publish, and whatever of its content is still to come. */
  dropContentFromClient(): void {
    this.held = undefined
    this.fromClient.startBody(0)
  }
}

/** Channels by number; the numbers a session uses are few, so a sparse array serves as well as a map and is faster. */
export class Channels {
  // Room for channel 1, the only one of most sessions: an array that grows makes room for sixteen more.
  readonly #byNumber: (Channel | undefined)[] = [undefined, undefined]
  #count = 0

  get count(): number {
    return this.#count
  }

  get(number: number): Channel | undefined {
    return this.#byNumber[number]
  }

  open(number: number): Channel {
    const channel = new Channel(number)
    this.#byNumber[number] = channel
    this.#count++
    return channel
  }

  /** Frees the number if both legs are done with it, and says whether it did. */
  free(channel: Channel): boolean {
    if (channel.closing) return false
    this.#byNumber[channel.number] = undefined
    this.#count--
    return true
  }

  *[Symbol.iterator](): IterableIterator<Channel> {
    for (const channel of this.#byNumber) if (channel !== undefined) yield channel
  }
}
