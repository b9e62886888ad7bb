/**
 * What is still owed on one channel: confirms by the broker; acknowledgements, and the end of a transaction, by the client.
 * A session can be ended without loss when nothing is. (See quiet-point.ts.)
 *
 * Kept from the first method that brings such a debt about: a channel without any has no dues, which costs its frames one
 * comparison. On others each message is counted, and nothing is allocated for it.
 */
import { indexOf } from '../../codec/method.ts'
import { type EarlyRoom, Outstanding } from './outstanding.ts'

const ACK = indexOf('basic.ack')
const NACK = indexOf('basic.nack')
const REJECT = indexOf('basic.reject')
const GET = indexOf('basic.get')
const GET_OK = indexOf('basic.get-ok')
const GET_EMPTY = indexOf('basic.get-empty')
const RECOVER = indexOf('basic.recover')
const RECOVER_ASYNC = indexOf('basic.recover-async')
const CONFIRM_SELECT = indexOf('confirm.select')
const TX_SELECT = indexOf('tx.select')
const TX_COMMIT = indexOf('tx.commit')
const TX_COMMIT_OK = indexOf('tx.commit-ok')
const TX_ROLLBACK = indexOf('tx.rollback')
const TX_ROLLBACK_OK = indexOf('tx.rollback-ok')

const TAG_BYTES = 8

/** Methods of the client's by which a channel gets dues, as it does by a consumer that acknowledges. */
export const BEGINS_DUES: readonly number[] = [GET, CONFIRM_SELECT, TX_SELECT]
/** Further ones that change what is owed. */
export const CHANGES_DUES: readonly number[] = [ACK, NACK, REJECT, RECOVER, RECOVER_ASYNC, TX_COMMIT, TX_ROLLBACK]

export class Dues {
  readonly #deliveries: Outstanding
  readonly #room: EarlyRoom
  /** Publishes; absent where the channel was not put into confirm mode. */
  #publishes: Outstanding | undefined
  /** Answers to `basic.get`. */
  #gets = 0
  /** Some `basic.get` wants no acknowledgement, some may: which an answer is for is not looked up. */
  #getsWithAck = false
  #isTransactional = false
  #isTransactionOpen = false
  /** Deliveries were settled in the transaction: a rollback takes that back. */
  #hasSettled = false
  /** Answers to the ends of transactions. */
  #ends = 0

  constructor(room: EarlyRoom) {
    this.#room = room
    this.#deliveries = new Outstanding(room)
  }

  /** Whether neither side owes anything. */
  get areNone(): boolean {
    return !this.areClients && this.#publishes?.isNone !== false && this.#ends === 0
  }

  /** Whether the client has something to settle that only it can. */
  get areClients(): boolean {
    return !this.#deliveries.isNone || this.#isTransactionOpen || this.#gets > 0
  }

  /** A publish of the client's is forwarded. */
  published(): void {
    if (this.#publishes !== undefined) this.#publishes.next()
    else if (this.#isTransactional) this.#isTransactionOpen = true
  }

  /** A `basic.ack` of the client's is forwarded. @param start of its arguments in the buffer */
  acknowledged(buffer: Buffer, start: number): void {
    const isMultiple = isSet(buffer, start + TAG_BYTES)
    if (this.#isTransactional) this.#settle(tagAt(buffer, start), isMultiple)
    else this.#deliveries.settle(tagAt(buffer, start), isMultiple)
  }

  /** Another method of the client's that changes dues is forwarded. @param start of its arguments in the buffer */
  forwarded(index: number, buffer: Buffer, start: number): void {
    if (index === ACK) this.acknowledged(buffer, start)
    else if (index === NACK) this.#settle(tagAt(buffer, start), isSet(buffer, start + TAG_BYTES))
    else if (index === REJECT) this.#settle(tagAt(buffer, start), false)
    else if (index === GET) this.#get(buffer, start)
    else if (index === RECOVER || index === RECOVER_ASYNC) this.#settle(0, true)
    else if (index === CONFIRM_SELECT) this.#publishes ??= new Outstanding(this.#room)
    else if (index === TX_SELECT) this.#isTransactional = true
    else if (index === TX_COMMIT) this.#endTransaction()
    else if (index === TX_ROLLBACK) {
      if (this.#hasSettled) this.#deliveries.lose()
      this.#endTransaction()
    }
  }

  /** A `basic.deliver` is handed to the client. */
  delivered(needsAck: boolean, buffer: Buffer, start: number): void {
    this.#hand(tagAt(buffer, start + 1 + (buffer[start] as number)), needsAck)
  }

  /** Another method of the broker's with content. */
  handed(index: number, buffer: Buffer, start: number): void {
    if (index !== GET_OK) return
    this.#answeredGet()
    this.#hand(tagAt(buffer, start), this.#getsWithAck)
  }

  /** The gateway itself settles a delivery that the client does not get. */
  gaveBack(buffer: Buffer, start: number): void {
    this.#hand(tagAt(buffer, start + 1 + (buffer[start] as number)), false)
  }

  /** A method of the broker's without content. */
  answered(index: number, buffer: Buffer, start: number): void {
    if (index === ACK || index === NACK) this.#publishes?.settle(tagAt(buffer, start), isSet(buffer, start + TAG_BYTES))
    else if (index === GET_EMPTY) this.#answeredGet()
    else if (index === TX_COMMIT_OK || index === TX_ROLLBACK_OK) this.#ends--
  }

  /** The channel is over. */
  forget(): void {
    this.#deliveries.forget()
    this.#publishes?.forget()
  }

  #hand(tag: number, needsAck: boolean): void {
    this.#deliveries.given(tag)
    if (!needsAck) this.#deliveries.settle(tag, false)
  }

  #settle(tag: number, isMultiple: boolean): void {
    this.#deliveries.settle(tag, isMultiple)
    if (!this.#isTransactional) return
    this.#isTransactionOpen = true
    this.#hasSettled = true
  }

  /** `noAck` is the only bit, and the last octet; channels with both kinds of it wait in vain for acknowledgements. */
  #get(buffer: Buffer, start: number): void {
    this.#gets++
    const queueAt = start + 2
    if (!isSet(buffer, queueAt + 1 + (buffer[queueAt] as number))) this.#getsWithAck = true
  }

  #answeredGet(): void {
    if (this.#gets > 0) this.#gets--
  }

  #endTransaction(): void {
    this.#isTransactionOpen = false
    this.#hasSettled = false
    this.#ends++
  }
}

/** Tags are counted from 1: those that a number cannot hold are none that anybody gave. */
function tagAt(buffer: Buffer, at: number): number {
  const low = uint32At(buffer, at + 4)
  const high = uint32At(buffer, at)
  return high === 0 ? low : high * 0x1_0000_0000 + low
}

/** Read twice for each message, so octet by octet and with sums: that way a small integer is one all along, and no double. */
function uint32At(buffer: Buffer, at: number): number {
  const rest = ((buffer[at + 1] as number) << 16) | ((buffer[at + 2] as number) << 8) | (buffer[at + 3] as number)
  return (((buffer[at] as number) << 24) >>> 0) + rest
}

/** The first bit of an octet of bits. [AMQP §4.2.5.2] */
function isSet(buffer: Buffer, at: number): boolean {
  return ((buffer[at] as number) & 1) !== 0
}
