/**
 * Filters without a session: frames made by the codec go through the compiled slots, as the relay would send them.
 * Records what filters do to the session and which audit events they write.
 */

import type { AuditEvent, AuditSink } from '../../proxy/audit.ts'
import { ContentHeader, encodeContentHeader, type Properties } from '../../proxy/codec/content.ts'
import { decodeMethod, indexOf, MethodView, methodFrame } from '../../proxy/codec/method.ts'
import type { Arguments, Fields, FromBroker, FromClient } from '../../proxy/codec/spec.ts'
import type { Table } from '../../proxy/codec/table.ts'
import type { ChannelFault } from '../../proxy/faults.ts'
import { compile, isFilterRefusal, type Slots } from '../../proxy/filters/compile.ts'
import type { Filter, PublishView, SessionView, Verdict } from '../../proxy/filters/filter.ts'
import { Track } from '../../proxy/filters/track/track.ts'

export type Outcome<T> =
  /** The very bytes that arrived, or others. */
  | { readonly kind: 'forwarded'; readonly rewritten: T | undefined }
  | { readonly kind: 'refused'; readonly code: string; readonly text: string }

export interface Cancelled {
  readonly channel: number
  readonly consumerTag: string
  readonly text: string
}

/** Audit events in memory; `isBroken` makes every write fail. */
export class AuditLog implements AuditSink {
  readonly onFailure: 'refuse' | 'count'
  readonly events: AuditEvent[] = []
  isBroken = false

  constructor(onFailure: 'refuse' | 'count' = 'count') {
    this.onFailure = onFailure
  }

  write(event: AuditEvent): boolean {
    if (this.isBroken) return false
    this.events.push(event)
    return true
  }

  names(): string[] {
    return this.events.map(({ event }) => event)
  }
}

export class FilterSession {
  readonly cancelled: Cancelled[] = []
  readonly closed: { channel: number; fault: ChannelFault }[] = []
  readonly pausedMs: number[] = []
  readonly sentToBroker: Buffer[] = []
  readonly view: SessionView
  #slots: Slots
  readonly #track = new Track()
  readonly #open = new Set<number>()
  readonly #method = new MethodView()
  readonly #header = new ContentHeader()

  constructor(filters: readonly Filter[], overrides: Partial<SessionView> = {}) {
    this.view = {
      id: 's1',
      identity: { subject: 'joe.smith', issuer: 'https://idp.example.com', address: '203.0.113.7' },
      brokerUser: 'webuser',
      vhost: '/',
      brokerPayloadMax: 131_064,
      track: this.#track,
      openChannels: () => [...this.#open],
      closeChannel: (channel, fault) => {
        this.closed.push({ channel, fault })
      },
      cancelConsumer: (channel, consumerTag, fault) => {
        this.cancelled.push({ channel, consumerTag, text: fault.replyText })
        this.#track.own(methodFrame(channel, 'basic.cancel', { consumerTag, noWait: false }))
      },
      sendToBroker: (frame) => {
        this.sentToBroker.push(frame)
        this.#track.own(frame)
      },
      pauseClient: (ms) => {
        this.pausedMs.push(ms)
      },
      ...overrides,
    }
    this.#slots = compile(filters, this.view)
  }

  /** The client sends a method. */
  send<M extends FromClient>(name: M, fields: Arguments<M>, channel = 1): Outcome<Fields<M>> {
    const frame = methodFrame(channel, name, fields)
    const slot = this.#slots.layout.toBroker[indexOf(name)]
    const view = this.#method.set(indexOf(name), channel, frame, 11, frame.length - 1)
    const verdict = slot?.(view, this.#slots.states)
    if (name === 'channel.open' && !isFilterRefusal(verdict)) this.#open.add(channel)
    return outcome(verdict, (rewritten) => decodeMethod(name, rewritten, 11, rewritten.length - 1))
  }

  /** The client publishes; `immediate` and the body's size if given. */
  publish(
    exchange: string,
    routingKey: string,
    properties: Properties = {},
    more: { channel?: number; immediate?: boolean; bodyBytes?: number } = {},
  ): Outcome<ContentHeader> {
    return this.publishHeader(
      exchange,
      routingKey,
      encodeContentHeader({ bodySize: more.bodyBytes ?? 0, properties }),
      more,
    )
  }

  /** The client publishes with this content header's payload. */
  publishHeader(
    exchange: string,
    routingKey: string,
    payload: Buffer,
    { channel = 1, immediate = false }: { channel?: number; immediate?: boolean } = {},
  ): Outcome<ContentHeader> {
    const header = this.#header.read(payload, 0, payload.length)
    const buffer = methodFrame(channel, 'basic.publish', { exchange, routingKey, mandatory: false, immediate })
    const bytes = { buffer, start: 11, end: buffer.length - 1 }
    const publish: PublishView = { channel, ...bytes, exchange, routingKey, mandatory: false, immediate, header }
    const verdict = this.#slots.layout.publish?.(publish, this.#slots.states)
    return outcome(verdict, (frame) => new ContentHeader().read(frame, 7, frame.length - 1))
  }

  /** The broker sends a method. @returns whether the client gets to see it */
  receive<M extends FromBroker>(name: M, fields: Arguments<M>, channel = 1): boolean {
    const frame = methodFrame(channel, name, fields)
    const view = this.#method.set(indexOf(name), channel, frame, 11, frame.length - 1)
    const { layout, states } = this.#slots
    if (layout.answers[indexOf(name)]?.(view, states) === true) return false
    layout.toClient[indexOf(name)]?.(view, states)
    return true
  }

  /** The broker delivers a message with these properties. */
  deliver(properties: Properties): void {
    const payload = encodeContentHeader({ bodySize: 0, properties })
    this.#slots.layout.delivery?.(this.#header.read(payload, 0, payload.length), this.#slots.states)
  }

  /** The session goes on with other filters. */
  exchange(filters: readonly Filter[]): void {
    const old = this.#slots
    this.#slots = compile(filters, this.view)
    old.retired()
    this.#slots.exchanged()
  }

  /** The broker closes a channel by itself. */
  channelFailed(channel = 1): void {
    this.#track.channelFailed(channel)
    this.channelClosed(channel)
  }

  channelClosed(channel = 1): void {
    this.#open.delete(channel)
    this.#slots.channelClosed(channel)
  }

  tick(nowMs = 0): void {
    this.#slots.tick(nowMs)
  }

  end(): void {
    this.#slots.ended()
  }
}

function outcome<T>(verdict: Verdict, read: (frame: Buffer) => T): Outcome<T> {
  if (verdict === undefined) return { kind: 'forwarded', rewritten: undefined }
  if (isFilterRefusal(verdict)) return { kind: 'refused', code: verdict.fault.code, text: verdict.fault.replyText }
  return { kind: 'forwarded', rewritten: read(verdict) }
}

/** A long string in a table. */
export function text(value: string): { type: 'S'; value: Buffer } {
  return { type: 'S', value: Buffer.from(value) }
}

/** An array of long strings in a table, such as CC. */
export function texts(...values: readonly string[]): { type: 'A'; value: { type: 'S'; value: Buffer }[] } {
  return { type: 'A', value: values.map(text) }
}

/** `queue.declare` as clients send it most of the time. */
export function queueDeclare(queue: string, more: Partial<Fields<'queue.declare'>> = {}): Arguments<'queue.declare'> {
  return {
    queue,
    passive: false,
    durable: false,
    exclusive: queue === '',
    autoDelete: false,
    noWait: false,
    arguments: [],
    ...more,
  }
}

export function exchangeDeclare(
  exchange: string,
  more: Partial<Fields<'exchange.declare'>> = {},
): Arguments<'exchange.declare'> {
  return {
    exchange,
    type: 'topic',
    passive: false,
    durable: false,
    autoDelete: false,
    internal: false,
    noWait: false,
    arguments: [],
    ...more,
  }
}

export function queueBind(
  queue: string,
  exchange: string,
  routingKey: string,
  args: Table = [],
): Arguments<'queue.bind'> {
  return { queue, exchange, routingKey, noWait: false, arguments: args }
}

export function exchangeBind(
  destination: string,
  source: string,
  routingKey: string,
  args: Table = [],
): Arguments<'exchange.bind'> {
  return { destination, source, routingKey, noWait: false, arguments: args }
}

export function consume(queue: string, more: Partial<Fields<'basic.consume'>> = {}): Arguments<'basic.consume'> {
  return {
    queue,
    consumerTag: '',
    noLocal: false,
    noAck: false,
    exclusive: false,
    noWait: false,
    arguments: [],
    ...more,
  }
}
