/**
 * A session after `open-ok`, built whole when the broker has opened its connection: the relay with its filters, the two
 * directions, and the methods of channel 0, which end at the gateway.
 */
import { checkShape, decodeMethod, indexOf } from '../../codec/method.ts'
import { ConnectionFault, HARD_CODES } from '../../faults.ts'
import type { Closing } from '../closing/closing.ts'
import { ended } from '../closing/ending.ts'
import type { BrokerLeg } from '../legs/broker-leg.ts'
import type { ClientLeg } from '../legs/client-leg.ts'
import type { Opened } from '../opening/handshake.ts'
import type { SessionOptions, SessionRules } from '../ports.ts'
import { type SessionHands, sessionView } from '../session-view.ts'
import { blockedBy, blockedFrame } from './blocked.ts'
import type { BrokerSecret } from './broker-secret.ts'
import { BrokerWords } from './broker-words.ts'
import { Relay } from './relay.ts'
import type { Renewals } from './renewals.ts'
import { ToBroker } from './to-broker.ts'
import { ToClient } from './to-client.ts'

const CLOSE = indexOf('connection.close')
const UPDATE_SECRET = indexOf('connection.update-secret')
const UPDATE_SECRET_OK = indexOf('connection.update-secret-ok')

/** The parts of the session that were there before. */
export interface RelayingParts {
  readonly client: ClientLeg
  readonly broker: BrokerLeg
  readonly closing: Closing
  readonly renewals: Renewals
  readonly brokerSecret: BrokerSecret
  readonly hands: SessionHands
}

export class Relaying {
  readonly relay: Relay
  readonly toBroker: ToBroker
  readonly toClient: ToClient
  readonly #words: BrokerWords
  readonly #parts: RelayingParts

  constructor(options: SessionOptions, opened: Opened, rules: SessionRules, parts: RelayingParts) {
    const { client, broker, hands } = parts
    const relayOptions = {
      toBroker: broker.out,
      toClient: client.out,
      channelMax: opened.choice.channelMax,
      clientPayloadMax: opened.choice.frameMax - 8,
      client: opened.client,
    }
    this.#parts = parts
    this.#words = new BrokerWords(options, opened)
    this.relay = new Relay(relayOptions, rules, (relay) => sessionView(options, opened, relay, hands))
    this.toBroker = new ToBroker(this.relay, (index, buffer, start, end) =>
      this.#clientConnectionMethod(index, buffer, start, end),
    )
    this.toClient = new ToClient(
      this.relay,
      (index, buffer, start, end) => this.#brokerConnectionMethod(index, buffer, start, end),
      (channel, close) => this.#words.closesChannel(channel, close),
    )
  }

  /** Channel 0 from the client. */
  #clientConnectionMethod(index: number, buffer: Buffer, start: number, end: number): void {
    if (index === CLOSE) return this.#parts.closing.clientCloses()
    if (index === UPDATE_SECRET)
      return this.#parts.renewals.ask(decodeMethod('connection.update-secret', buffer, start, end).newSecret)
    throw new ConnectionFault('command-invalid', 'a connection method out of order')
  }

  /** Channel 0 from the broker. */
  #brokerConnectionMethod(index: number, buffer: Buffer, start: number, end: number): void {
    const { broker, brokerSecret, client, closing } = this.#parts
    const blocked = blockedBy(index)
    if (blocked !== undefined) {
      broker.blocked = blocked
      if (this.relay.options.client.blocked) client.out.add(blockedFrame(index, buffer, start, end))
      return
    }
    if (index === UPDATE_SECRET_OK) return brokerSecret.onOk()
    if (index !== CLOSE) throw new ConnectionFault('command-invalid', 'a connection method out of order')
    const close = decodeMethod('connection.close', buffer, start, end, checkShape)
    broker.answerClose()
    if (brokerSecret.isAsking && close.replyCode !== HARD_CODES['connection-forced'])
      return closing.begin(ended.renewalFailed('broker', `${close.replyCode} ${close.replyText}`, 'secret-refused'))
    closing.begin(this.#words.closesConnection(close))
  }
}
