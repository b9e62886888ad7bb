/** What is measured: one function for each scenario, each giving figures for one relay and one run. */
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import { type Door, Peer } from '../support/load-peer.ts'
import { quantile } from '../support/quantile.ts'
import { processorMicroseconds, residentBytes } from './process.ts'
import type { Relay } from './relays.ts'

/** Figures by name; the unit is part of the name. */
export type Figures = Readonly<Record<string, number>>

const FRAME_MAX_BYTES = 131_072
const QUEUE_ARGUMENTS = {
  passive: false,
  durable: false,
  exclusive: true,
  autoDelete: true,
  noWait: false,
  arguments: [],
}

/** A publish as clients send it: method, content header and bodies in one piece. */
function publishing(exchange: string, routingKey: string, bodyBytes: number): Buffer {
  const body = Buffer.alloc(bodyBytes, 'x')
  const pieces = [
    methodFrame(1, 'basic.publish', { exchange, routingKey, mandatory: false, immediate: false }),
    frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: bodyBytes, properties: { contentType: 'text/plain' } })),
  ]
  const most = FRAME_MAX_BYTES - 8
  for (let at = 0; at < bodyBytes; at += most) pieces.push(frame(FRAME_BODY, 1, body.subarray(at, at + most)))
  return Buffer.concat(pieces)
}

/** Processor time of the relay alone while `work` runs, for each of so many things it did. */
async function processorTime(relay: Relay, count: number, work: () => Promise<void>): Promise<Figures> {
  const before = relay.pid === undefined ? 0 : processorMicroseconds(relay.pid)
  const startedMs = performance.now()
  await work()
  const seconds = (performance.now() - startedMs) / 1000
  const spent = relay.pid === undefined ? 0 : processorMicroseconds(relay.pid) - before
  return { 'µs of processor each': spent / count, 'each second': count / seconds }
}

/** Publishes to an exchange nothing is bound to, so that the broker does as little as it can. */
export async function publish(relay: Relay, bodyBytes: number, count: number): Promise<Figures> {
  const peer = await Peer.open(relay.door, FRAME_MAX_BYTES)
  const message = publishing('bench.drop', 'bench.key', bodyBytes)
  const figures = await processorTime(relay, count, async () => {
    for (let sent = 0; sent < count; sent++) {
      peer.write(message)
      if (sent % 64 === 63) await peer.room()
    }
    // The answer to a synchronous method says that all before it was taken.
    await peer.call('basic.qos', { prefetchSize: 0, prefetchCount: 0, global: false }, 'basic.qos-ok')
  })
  await peer.close()
  return figures
}

export async function publishWithConfirms(relay: Relay, bodyBytes: number, count: number): Promise<Figures> {
  const peer = await Peer.open(relay.door, FRAME_MAX_BYTES)
  await peer.call('confirm.select', { noWait: false }, 'confirm.select-ok')
  const message = publishing('bench.drop', 'bench.key', bodyBytes)
  const figures = await processorTime(relay, count, async () => {
    for (let sent = 0; sent < count; sent++) {
      peer.write(message)
      if (sent % 64 === 63) await peer.when(() => sent - Number(peer.confirmed) < 1024)
    }
    await peer.when(() => peer.confirmed >= BigInt(count))
  })
  await peer.close()
  return figures
}

/** Of unacknowledged messages, where there are acknowledgements. */
const PREFETCH_COUNT = 100

/** Consumes what was published straight to the broker before, with an acknowledgement for each message or without any. */
export async function consume(
  relay: Relay,
  direct: Door,
  bodyBytes: number,
  count: number,
  { acknowledged }: { readonly acknowledged: boolean },
): Promise<Figures> {
  const queue = `bench.consume.${process.pid}`
  const filler = await filled(direct, queue, bodyBytes, count)
  const peer = await Peer.open(relay.door, FRAME_MAX_BYTES)
  if (acknowledged) {
    await peer.call('basic.qos', { prefetchSize: 0, prefetchCount: PREFETCH_COUNT, global: false }, 'basic.qos-ok')
    peer.onDelivered = (deliveryTag) => peer.send('basic.ack', { deliveryTag, multiple: false }, 1)
  }
  const figures = await processorTime(relay, count, async () => {
    peer.send(
      'basic.consume',
      { queue, consumerTag: 'c', noLocal: false, noAck: !acknowledged, exclusive: false, noWait: true, arguments: [] },
      1,
    )
    await peer.when(() => peer.delivered >= count)
  })
  await peer.close()
  await filler.call('queue.delete', { queue, ifUnused: false, ifEmpty: false, noWait: false }, 'queue.delete-ok')
  await filler.close()
  return figures
}

/** Fills a queue; who did can delete it. */
async function filled(direct: Door, queue: string, bodyBytes: number, count: number): Promise<Peer> {
  const filler = await Peer.open(direct, FRAME_MAX_BYTES)
  await filler.call(
    'queue.declare',
    { ...QUEUE_ARGUMENTS, exclusive: false, autoDelete: false, queue },
    'queue.declare-ok',
  )
  const message = publishing('', queue, bodyBytes)
  for (let sent = 0; sent < count; sent++) {
    filler.write(message)
    if (sent % 64 === 63) await filler.room()
  }
  await filler.call('basic.qos', { prefetchSize: 0, prefetchCount: 0, global: false }, 'basic.qos-ok')
  return filler
}

/** One message at a time, published and delivered back to its publisher. */
export async function roundTrip(relay: Relay, bodyBytes: number, count: number): Promise<Figures> {
  const peer = await Peer.open(relay.door, FRAME_MAX_BYTES)
  const queue = `bench.round.${process.pid}`
  await peer.call('queue.declare', { ...QUEUE_ARGUMENTS, queue }, 'queue.declare-ok')
  await peer.call(
    'basic.consume',
    { queue, consumerTag: 'c', noLocal: false, noAck: true, exclusive: false, noWait: false, arguments: [] },
    'basic.consume-ok',
  )
  const message = publishing('', queue, bodyBytes)
  const microseconds: number[] = []
  for (let sent = 1; sent <= count; sent++) {
    const startedMs = performance.now()
    peer.write(message)
    await peer.when(() => peer.delivered >= sent)
    microseconds.push((performance.now() - startedMs) * 1000)
  }
  await peer.close()
  microseconds.sort((a, b) => a - b)
  return { 'µs p50': quantile(microseconds, 0.5), 'µs p99': quantile(microseconds, 0.99) }
}

/** Sessions opened and closed one after the other. */
export async function setUp(relay: Relay, count: number, door: Door = relay.door): Promise<Figures> {
  // The first one may have to do what the others find done: verify a password, load a key.
  await (await Peer.open(door)).close()
  return processorTime(relay, count, async () => {
    for (let opened = 0; opened < count; opened++) await (await Peer.open(door)).close()
  })
}

/** Memory of a session that has done nothing for a while, and what the relay spends on keeping them all alive. */
export async function idle(relay: Relay, count: number, seconds: number): Promise<Figures> {
  if (relay.pid === undefined) return {}
  const pid = relay.pid
  await (await Peer.open(relay.door)).close()
  const before = residentBytes(pid)
  const peers = await many(relay.door, count)
  const spentBefore = processorMicroseconds(pid)
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const spent = processorMicroseconds(pid) - spentBefore
  const after = residentBytes(pid)
  for (const peer of peers) peer.end()
  return { 'KiB each': (after - before) / count / 1024, '% of a core': spent / seconds / 10_000 }
}

/** Everybody comes back at once. */
export async function storm(relay: Relay, count: number): Promise<Figures> {
  const startedMs = performance.now()
  const peers = await many(relay.door, count)
  const seconds = (performance.now() - startedMs) / 1000
  for (const peer of peers) peer.end()
  return { 'seconds until all are back': seconds }
}

async function many(door: Door, count: number): Promise<Peer[]> {
  const peers: Peer[] = []
  let next = 0
  // As many at once as a listening socket's backlog takes.
  const worker = async (): Promise<void> => {
    while (next++ < count) peers.push(await Peer.open(door))
  }
  await Promise.all(Array.from({ length: 100 }, worker))
  return peers
}
