/**
 * Somebody who does no harm while others do: one session, one message after the other to itself, and how long each took.
 * A process of its own; asked by message, it tells and begins anew.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import type { Target } from '../support/flooder.ts'
import { Peer } from '../support/load-peer.ts'
import { quantile } from '../support/quantile.ts'

/** Of the round trips since the last question, in milliseconds. */
export interface RoundTrips {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly longestMs: number
}

const EVERY_MS = 4
const QUEUE = 'abuse.bystander'

process.on('disconnect', () => process.exit())
process.once('message', (target: Target) => void measure(target))

async function measure({ url, authorization }: Target): Promise<void> {
  let trips: number[] = []
  let sentMs = 0
  const peer = await Peer.open({
    url: `${url}/bystander`,
    vhost: '/',
    user: '',
    password: '',
    headers: { authorization },
  })
  const open = { passive: false, durable: false, exclusive: true, autoDelete: true, noWait: false, arguments: [] }
  await peer.call('queue.declare', { queue: QUEUE, ...open }, 'queue.declare-ok')
  const own = { consumerTag: '', noLocal: false, noAck: true, exclusive: false, noWait: false, arguments: [] }
  await peer.call('basic.consume', { queue: QUEUE, ...own }, 'basic.consume-ok')
  const message = Buffer.concat([
    methodFrame(1, 'basic.publish', { exchange: '', routingKey: QUEUE, mandatory: false, immediate: false }),
    frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: 16 })),
    frame(FRAME_BODY, 1, Buffer.alloc(16, 'x')),
  ])
  process.on('message', () => {
    // One that is still under way counts as long as it has taken so far: silence is no success.
    const all = sentMs === 0 ? trips : [...trips, performance.now() - sentMs]
    process.send?.(summary(all))
    trips = []
  })
  process.send?.('ready')
  for (;;) {
    const { delivered } = peer
    sentMs = performance.now()
    peer.write(message)
    await peer.when(() => peer.delivered > delivered)
    trips.push(performance.now() - sentMs)
    sentMs = 0
    await pause(EVERY_MS)
  }
}

function summary(trips: readonly number[]): RoundTrips {
  const sorted = trips.toSorted((a, b) => a - b)
  return {
    count: sorted.length,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    longestMs: quantile(sorted, 1),
  }
}
