/**
 * A client's side of one channel number, as clients have it that keep to the specification. They differ in what they do
 * with a `channel.close` that crosses their own.
 */
import { methodFrame } from '../../../proxy/codec/method.ts'
import { type ALLOWED, Assembler, CHANNEL, CLOSE, type Pipe, publish, type REFUSED, type Seen, TAG } from './wire.ts'

/**
 * What a client does with a close that crosses its own.
 *
 * - `waits`: answers it, and ignores everything until its own is answered (amqplib, pika, the Java client);
 * - `forgets`: answers it, and takes the channel for closed at once;
 * - `ignores`: does not answer it, and waits for the answer to its own.
 */
export const CLIENT_STYLES = ['waits', 'forgets', 'ignores'] as const
export type ClientStyle = (typeof CLIENT_STYLES)[number]

export class ModelClient {
  state: 'closed' | 'opening' | 'open' | 'told' | 'closing' = 'closed'
  consumer: 'none' | 'asked' | 'cancelling' | 'gone' = 'none'
  /** Of a content that it has begun to send. */
  rest: Buffer[] = []
  /** A close-ok that it has forgotten to wait for. */
  strays = 0
  readonly style: ClientStyle
  readonly #assembler = new Assembler()
  readonly #out: Pipe

  constructor(style: ClientStyle, out: Pipe) {
    this.style = style
    this.#out = out
  }

  get mayAct(): boolean {
    return (this.state === 'open' || this.state === 'opening') && this.rest.length === 0
  }

  open(): void {
    this.state = 'opening'
    this.consumer = 'none'
    this.#send(methodFrame(CHANNEL, 'channel.open', {}))
  }

  consume(): void {
    this.consumer = 'asked'
    this.#send(
      methodFrame(CHANNEL, 'basic.consume', {
        queue: 'q',
        consumerTag: TAG,
        noLocal: false,
        noAck: false,
        exclusive: false,
        noWait: false,
        arguments: [],
      }),
    )
  }

  cancel(): void {
    this.consumer = 'cancelling'
    this.#send(methodFrame(CHANNEL, 'basic.cancel', { consumerTag: TAG, noWait: false }))
  }

  /** Begins a content; `goOn` sends the rest of it. */
  publish(kind: typeof ALLOWED | typeof REFUSED): void {
    const [method, ...rest] = publish(kind)
    this.rest = rest
    this.#send(method)
  }

  goOn(): void {
    const next = this.rest.shift()
    if (next !== undefined) this.#send(next)
    if (this.rest.length === 0 && this.state === 'told') this.#answer('closed')
  }

  close(): void {
    this.state = 'closing'
    this.#send(methodFrame(CHANNEL, 'channel.close', CLOSE))
  }

  /** @throws Error where the gateway must not send this */
  receive(seen: Seen): void {
    this.#assembler.take(seen)
    const { name } = seen
    if (name === 'channel.close-ok' && this.strays > 0) this.strays -= 1
    else if (this.state === 'closing') this.#whileClosing(name)
    else if (this.state === 'open') this.#whileOpen(name)
    else if (this.state === 'opening') this.#whileOpening(name)
    else throw new Error(`${name} on a channel that is ${this.state}`)
  }

  toJSON(): unknown {
    return [this.state, this.consumer, this.rest.length, this.strays, this.#assembler.awaits]
  }

  #whileOpening(name: Seen['name']): void {
    if (name === 'channel.close') return this.#told()
    if (name !== 'channel.open-ok') throw new Error(`${name} before open-ok`)
    this.state = 'open'
  }

  #whileOpen(name: Seen['name']): void {
    if (name === 'channel.close') this.#told()
    else if (name === 'basic.consume-ok') this.#expectConsumer(name)
    else if (name === 'basic.cancel') this.consumer = this.consumer === 'cancelling' ? 'cancelling' : 'gone'
    else if (name === 'basic.cancel-ok') {
      if (this.consumer !== 'cancelling') throw new Error('cancel-ok that was not asked for')
      this.consumer = 'none'
    } else if (name === 'basic.deliver') this.#expectConsumer(name)
    else if (name !== 'header' && name !== 'body') throw new Error(`${name} on a channel that is open`)
  }

  #expectConsumer(name: string): void {
    if (this.consumer === 'none' || this.consumer === 'gone') throw new Error(`${name} without a consumer`)
  }

  /** A content that it has begun is sent to its end first. [AMQP §4.2.6] */
  #told(): void {
    if (this.rest.length > 0) this.state = 'told'
    else this.#answer('closed')
  }

  #whileClosing(name: Seen['name']): void {
    if (name === 'channel.close-ok') this.state = 'closed'
    if (name !== 'channel.close' || this.style === 'ignores') return
    if (this.style === 'forgets') this.strays += 1
    this.#answer(this.style === 'forgets' ? 'closed' : 'closing')
  }

  #answer(state: 'closed' | 'closing'): void {
    this.state = state
    this.#send(methodFrame(CHANNEL, 'channel.close-ok', {}))
  }

  #send(frame: Buffer): void {
    this.#out.write(frame)
  }
}
