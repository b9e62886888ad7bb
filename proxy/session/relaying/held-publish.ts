/** A publish that is kept back until its content header has come, and is judged with it. */
import type { ContentHeader } from '../../codec/content.ts'
import { peek } from '../../codec/method.ts'
import type { PublishView } from '../../filters/filter.ts'
import { Channel } from './channels.ts'

/** No session's: stands here before the first publish. */
const NO_CHANNEL = new Channel(0)

const peekExchange = peek('basic.publish', 'exchange')
const peekRoutingKey = peek('basic.publish', 'routingKey')
const peekMandatory = peek('basic.publish', 'mandatory')

/** A held `basic.publish` and its content header, as filters see it. Reused from publish to publish. */
export class HeldPublish implements PublishView {
  readonly header: ContentHeader
  #channel = NO_CHANNEL

  constructor(header: ContentHeader) {
    this.header = header
  }

  of(channel: Channel): this {
    this.#channel = channel
    return this
  }

  get channel(): number {
    return this.#channel.number
  }

  get buffer(): Buffer {
    return this.#channel.held as Buffer
  }

  /** Behind the frame's header and the method's ids. */
  get start(): number {
    return this.#channel.heldStart + 11
  }

  /** Before the frame-end octet. */
  get end(): number {
    return this.#channel.heldEnd - 1
  }

  get exchange(): string {
    return peekExchange(this.buffer, this.start)
  }

  get routingKey(): string {
    return peekRoutingKey(this.buffer, this.start)
  }

  get mandatory(): boolean {
    return peekMandatory(this.buffer, this.start)
  }

  /** Asked for each publish, so read from where it always is: the second bit of the last octet. */
  get immediate(): boolean {
    return ((this.buffer[this.end - 1] as number) & 0b10) !== 0
  }
}
