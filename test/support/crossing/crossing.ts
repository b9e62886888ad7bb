/**
 * One channel number between a model client and a model broker, with the gateway's relay between them and a network on
 * both legs that holds every frame until it is let through: a crossing of closes is an order of steps. Same steps, same
 * crossing.
 */
import { FrameReader } from '../../../proxy/codec/frame-reader.ts'
import { ChannelFault } from '../../../proxy/faults.ts'
import type { Filter, FilterChecks } from '../../../proxy/filters/filter.ts'
import { Gather } from '../../../proxy/session/legs/gather.ts'
import { Relay } from '../../../proxy/session/relaying/relay.ts'
import { ToBroker } from '../../../proxy/session/relaying/to-broker.ts'
import { ToClient } from '../../../proxy/session/relaying/to-client.ts'
import { FilterSession } from '../filter-session.ts'
import { ModelBroker } from './model-broker.ts'
import { type ClientStyle, ModelClient } from './model-client.ts'
import { ALLOWED, CHANNEL, Pipe, REFUSED, type Seen, TAG } from './wire.ts'

/** What a peer or the gateway does by itself. */
export const DEEDS = [
  'client opens',
  'client consumes',
  'client cancels',
  'client begins a publish',
  'client begins a publish that is refused',
  'client goes on',
  'client closes',
  'broker closes',
  'broker delivers',
  'broker delivers late',
  'broker answers late',
  'broker cancels',
  'gateway closes',
  'gateway cancels',
] as const
/** One frame arrives. */
export const HOPS = ['client > gateway', 'gateway > broker', 'broker > gateway', 'gateway > client'] as const
export type Deed = (typeof DEEDS)[number]
export type Hop = (typeof HOPS)[number]
export type Step = Deed | Hop

export function isHop(step: Step): step is Hop {
  return (HOPS as readonly string[]).includes(step)
}

const FAULT = new ChannelFault('access-refused', 'refused', { classId: 60, methodId: 40 })

const CHECKS: FilterChecks<undefined> = {
  publish: ({ routingKey }) => (routingKey === REFUSED ? { fault: FAULT } : undefined),
}
const FILTER: Filter = { name: 'refuses', checks: CHECKS, start: () => undefined }

export class Crossing {
  readonly #fromClient = new Pipe()
  readonly #toBroker = new Pipe()
  readonly #fromBroker = new Pipe()
  readonly #toClient = new Pipe()
  readonly #client: ModelClient
  readonly #broker = new ModelBroker(this.#fromBroker)
  readonly #relay: Relay
  readonly #towardsBroker: ToBroker
  readonly #towardsClient: ToClient
  readonly #clientReader = new FrameReader(0xffff)
  readonly #brokerReader = new FrameReader(0xffff)
  /** A frame of the client's that waits for the broker to let go of the number. */
  #isStalled = false
  /** Withdrawn by the gateway: nothing may be delivered any more. */
  #lost: 'nothing' | 'consumer' | 'channel' = 'nothing'
  #deeds = 0

  constructor(style: ClientStyle) {
    this.#client = new ModelClient(style, this.#fromClient)
    const options = {
      toBroker: new Gather(),
      toClient: new Gather(),
      channelMax: 16,
      clientPayloadMax: 0xffff,
      client: { cancelNotify: true, blocked: true },
    }
    const rules = { filters: [FILTER], messageBytes: 65_536 }
    this.#relay = new Relay(options, rules, () => new FilterSession([]).view)
    this.#towardsBroker = new ToBroker(this.#relay, () => undefined)
    this.#towardsClient = new ToClient(
      this.#relay,
      () => undefined,
      () => '',
    )
  }

  /** How much has been done by either peer or the gateway. */
  get deeds(): number {
    return this.#deeds
  }

  /** What may happen now. */
  steps(): Step[] {
    const client = this.#client
    const broker = this.#broker
    const channel = this.#relay.channels.get(CHANNEL)
    const possible: Readonly<Record<Step, boolean>> = {
      'client opens': client.state === 'closed',
      'client consumes': client.mayAct && (client.consumer === 'none' || client.consumer === 'gone'),
      'client cancels': client.mayAct && client.consumer === 'asked',
      'client begins a publish': client.mayAct,
      'client begins a publish that is refused': client.mayAct,
      'client goes on': client.rest.length > 0,
      'client closes': client.mayAct,
      'broker closes': broker.state === 'open',
      'broker delivers': broker.state === 'open' && broker.isConsumed,
      'broker delivers late': broker.late > 0,
      'broker answers late': broker.unanswered > 0,
      'broker cancels': broker.state === 'open' && broker.isConsumed,
      'gateway closes': channel !== undefined,
      'gateway cancels': channel !== undefined && broker.isConsumed,
      'client > gateway': !this.#fromClient.isEmpty && !this.#isStalled,
      'gateway > broker': !this.#toBroker.isEmpty,
      'broker > gateway': !this.#fromBroker.isEmpty,
      'gateway > client': !this.#toClient.isEmpty,
    }
    return [...DEEDS, ...HOPS].filter((step) => possible[step])
  }

  /** @throws Error where one of the three breaks the protocol, or delivers what was withdrawn */
  do(step: Step): void {
    if (!isHop(step)) this.#deeds++
    this.#act(step)
    this.#sent()
  }

  /**
   * Everything on its way arrives, contents are sent to their end, and what is open then is closed: both legs are done with
   * the number, and it can be used again.
   * @throws Error where that is not so
   */
  finish(): void {
    this.#settle()
    this.#closeAndCheck('at the end')
    this.do('client opens')
    this.#settle()
    if (this.#client.state !== 'open') throw new Error(`opened again, the channel is ${this.#client.state}`)
    const before = this.#broker.published
    this.do('client begins a publish')
    this.#settle()
    if (this.#broker.published !== before + 1) throw new Error('a publish on the channel opened again did not arrive')
    this.#closeAndCheck('opened again')
  }

  /** Two crossings of the same key have the same future. */
  key(): string {
    return JSON.stringify([
      this.#client,
      this.#broker,
      this.#fromClient,
      this.#toBroker,
      this.#fromBroker,
      this.#toClient,
      this.#relay.channels.get(CHANNEL),
      this.#isStalled,
      this.#lost,
    ])
  }

  #act(step: Step): void {
    const client = this.#client
    const broker = this.#broker
    if (step === 'client opens') client.open()
    else if (step === 'client consumes') client.consume()
    else if (step === 'client cancels') client.cancel()
    else if (step === 'client begins a publish') client.publish(ALLOWED)
    else if (step === 'client begins a publish that is refused') client.publish(REFUSED)
    else if (step === 'client goes on') client.goOn()
    else if (step === 'client closes') client.close()
    else if (step === 'broker closes') broker.close()
    else if (step === 'broker delivers') broker.deliver()
    else if (step === 'broker delivers late') broker.deliverLate()
    else if (step === 'broker answers late') broker.answerLate()
    else if (step === 'broker cancels') broker.cancel()
    else if (step === 'gateway closes') this.#gatewayCloses()
    else if (step === 'gateway cancels') this.#gatewayCancels()
    else if (step === 'client > gateway') this.#fromClientArrives()
    else if (step === 'gateway > broker') broker.receive(this.#toBroker.take())
    else if (step === 'broker > gateway') this.#fromBrokerArrives()
    else client.receive(this.#toClient.take())
  }

  #gatewayCloses(): void {
    const channel = this.#relay.channels.get(CHANNEL)
    if (channel === undefined) return
    this.#relay.gatewayCloses(channel, FAULT)
    this.#lost = 'channel'
  }

  #gatewayCancels(): void {
    const channel = this.#relay.channels.get(CHANNEL)
    if (channel === undefined) return
    this.#relay.gatewayCancels(channel, TAG, FAULT)
    if (this.#lost === 'nothing') this.#lost = 'consumer'
  }

  #fromClientArrives(): void {
    this.#clientReader.push(this.#fromClient.take().bytes)
    this.#clientReader.next()
    this.#judgeClientFrame()
  }

  #judgeClientFrame(): void {
    this.#isStalled = !this.#towardsBroker.frame(this.#clientReader)
    this.#towardsBroker.settle()
  }

  #fromBrokerArrives(): void {
    this.#brokerReader.push(this.#fromBroker.take().bytes)
    this.#brokerReader.next()
    this.#towardsClient.frame(this.#brokerReader)
    if (this.#isStalled) this.#judgeClientFrame()
  }

  /** What the relay has gathered is on its way, and the judge has a look at it. */
  #sent(): void {
    const { toBroker, toClient } = this.#relay
    for (const frame of written(toBroker, this.#toBroker)) {
      if (frame.name === 'channel.open' || (frame.name === 'basic.consume' && this.#lost === 'consumer'))
        this.#lost = 'nothing'
    }
    for (const { name } of written(toClient, this.#toClient)) {
      if (name === 'basic.deliver' && this.#lost !== 'nothing') throw new Error(`delivered, the ${this.#lost} is lost`)
    }
  }

  #settle(): void {
    for (let left = 1000; left > 0; left--) {
      const step = this.steps().find((one) => one === 'client goes on' || isHop(one))
      if (step === undefined) return
      this.do(step)
    }
    throw new Error('it does not settle')
  }

  #closeAndCheck(when: string): void {
    if (this.#client.state === 'open') this.do('client closes')
    this.#settle()
    const { state } = this.#client
    if (state !== 'closed') throw new Error(`${when} the client's channel is ${state}`)
    if (this.#broker.state !== 'none') throw new Error(`${when} the broker's channel is ${this.#broker.state}`)
    if (this.#isStalled) throw new Error(`${when} the client waits for ever`)
    if (this.#client.style !== 'ignores' && this.#relay.channels.count !== 0)
      throw new Error(`${when} the gateway has not let go of the number`)
  }
}

function written(gather: Gather, pipe: Pipe): readonly Seen[] {
  const before = pipe.frames.length
  if (gather.bytes > 0) pipe.write(Buffer.concat(gather.drain()))
  return pipe.frames.slice(before)
}
