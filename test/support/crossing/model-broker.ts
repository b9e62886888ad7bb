/**
 * A broker's side of one channel number as RabbitMQ has it: its reader, which knows channels and puts contents together
 * (`rabbit_reader`, `rabbit_command_assembler`), and the channel's own process (`rabbit_channel`), which may still have
 * deliveries in its mailbox when the reader has let go of the number already.
 */
import { methodFrame } from '../../../proxy/codec/method.ts'
import { Assembler, CHANNEL, CLOSE, delivery, type Pipe, REFUSED, type Seen, TAG } from './wire.ts'

export class ModelBroker {
  state: 'none' | 'open' | 'closing' = 'none'
  isConsumed = false
  /** Publishes that arrived whole on a channel that was open. */
  published = 0
  /** Deliveries that the process of a channel closed by an exception has not sent yet. */
  late = 0
  /** Closes that crossed an exception: the channel's process answers them at some time, or never. */
  unanswered = 0
  readonly #assembler = new Assembler()
  readonly #out: Pipe

  constructor(out: Pipe) {
    this.#out = out
  }

  /** Every frame passes the reader's assembler, also on a channel that ignores it. @throws Error: 503, 504, 505, 530 */
  receive(seen: Seen): void {
    if (this.state === 'none' && seen.name !== 'channel.open')
      throw new Error(`504 CHANNEL_ERROR: expected 'channel.open', got ${seen.name}`)
    this.#assembler.take(seen)
    if (seen.fields['routingKey'] === REFUSED) throw new Error('a publish that was refused reached the broker')
    if (this.state === 'none') this.#open()
    else if (this.state === 'closing') this.#whileClosing(seen)
    else this.#whileOpen(seen)
  }

  /** An exception: the channel is told, and stays until it has answered. */
  close(): void {
    this.#out.write(methodFrame(CHANNEL, 'channel.close', CLOSE))
    this.late = this.isConsumed ? 1 : 0
    this.isConsumed = false
    this.state = 'closing'
  }

  deliver(): void {
    for (const frame of delivery()) this.#out.write(frame)
  }

  deliverLate(): void {
    this.late -= 1
    this.deliver()
  }

  answerLate(): void {
    this.unanswered -= 1
    this.#out.write(methodFrame(CHANNEL, 'channel.close-ok', {}))
  }

  /** The queue was deleted: its consumer is told. */
  cancel(): void {
    this.isConsumed = false
    this.#out.write(methodFrame(CHANNEL, 'basic.cancel', { consumerTag: TAG, noWait: true }))
  }

  toJSON(): unknown {
    return [this.state, this.isConsumed, this.published, this.late, this.unanswered, this.#assembler.awaits]
  }

  #open(): void {
    this.state = 'open'
    this.#out.write(methodFrame(CHANNEL, 'channel.open-ok', {}))
  }

  #whileOpen({ name, fields }: Seen): void {
    if (name === 'channel.open') throw new Error("504 CHANNEL_ERROR: second 'channel.open' seen")
    if (name === 'channel.close-ok') throw new Error('503 COMMAND_INVALID: close-ok without close')
    if (name === 'channel.close') this.#end()
    if (name === 'body') this.published += 1
    if (name === 'basic.consume') this.#consume()
    if (name === 'basic.cancel') {
      this.isConsumed = false
      if (fields['noWait'] !== true) this.#out.write(methodFrame(CHANNEL, 'basic.cancel-ok', { consumerTag: TAG }))
    }
  }

  /** Closing, it ignores everything but the closing handshake. */
  #whileClosing({ name }: Seen): void {
    if (name === 'channel.open') throw new Error("504 CHANNEL_ERROR: second 'channel.open' seen")
    if (name === 'channel.close') this.unanswered += 1
    if (name === 'channel.close-ok') this.state = 'none'
  }

  #end(): void {
    this.isConsumed = false
    this.state = 'none'
    this.#out.write(methodFrame(CHANNEL, 'channel.close-ok', {}))
  }

  #consume(): void {
    if (this.isConsumed) throw new Error('530 NOT_ALLOWED: attempt to reuse consumer tag')
    this.isConsumed = true
    // By then the process of the channel before is over.
    this.late = 0
    this.unanswered = 0
    this.#out.write(methodFrame(CHANNEL, 'basic.consume-ok', { consumerTag: TAG }))
  }
}
