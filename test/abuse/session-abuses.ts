/** What can be done to a gateway by somebody who may log in and has a session. */
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame, HEARTBEAT_FRAME } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import { BINARY, Flooder, FRAGMENT, PING, type Target, times, webSocketFrame } from '../support/flooder.ts'
import { type Abuse, again } from './abuse.ts'

const KIB = 1024
/** Sessions that flood at once; one process has to keep them all going. */
const FLOODERS = 4
const READERS = 40
const PUBLISHERS = 20
const CHANNELS = 2000
const ORDINARY_MS = 300

export const SESSION_ABUSES: Readonly<Record<string, Abuse>> = {
  'ping flood': {
    does: `${FLOODERS} sessions send pings of 125 bytes and read nothing`,
    growthMib: 8,
    run: (target, untilMs) => flood(target, untilMs, times(webSocketFrame(PING, Buffer.alloc(125)), 500), true),
  },
  'tiny fragments': {
    does: `${FLOODERS} sessions send one message in fragments of one byte, without an end`,
    run: (target, untilMs) => fragments(target, untilMs, Buffer.alloc(1)),
  },
  'empty fragments': {
    does: `${FLOODERS} sessions send one message in empty fragments, without an end`,
    run: (target, untilMs) => fragments(target, untilMs, Buffer.alloc(0)),
  },
  'slow readers': {
    does: `${READERS} sessions consume 4 KiB messages as fast as the broker gives them, and read nothing`,
    run: slowReaders,
  },
  'slow broker': {
    does: `${PUBLISHERS} sessions publish 4 KiB messages as fast as they can to a broker that takes nothing more`,
    path: '/stalled',
    run: slowBroker,
  },
  'frame flood, large messages': {
    does: `${FLOODERS} sessions send heartbeats and bodies of one byte, 4000 frames to a message`,
    run: (target, untilMs) => flood(target, untilMs, webSocketFrame(BINARY, times(TINY_FRAMES, 1000))),
  },
  'frame flood, tiny messages': {
    does: `${FLOODERS} sessions send one heartbeat to a message`,
    run: (target, untilMs) => flood(target, untilMs, times(webSocketFrame(BINARY, HEARTBEAT_FRAME), 1000)),
  },
  'table bombs, legal': {
    does: `${FLOODERS} sessions publish headers of 1024 entries, and of 32 tables in each other`,
    run: (target, untilMs) => {
      const bombs = [publish('abuse.drop', 'abuse.k', 0, WIDE), publish('abuse.drop', 'abuse.k', 0, nested(30))]
      return flood(target, untilMs, webSocketFrame(BINARY, times(Buffer.concat(bombs), 4)))
    },
  },
  'table bombs, illegal': {
    does: `${FLOODERS} sessions publish headers of 40,000 entries, or of 5000 tables in each other, and come back`,
    run: (target, untilMs) =>
      again(FLOODERS, untilMs, async (id) => {
        const flooder = await Flooder.session(target)
        flooder.amqp(publish('abuse.drop', 'abuse.k', 0, id % 2 === 0 ? TOO_WIDE : nested(5000)))
        await flooder.ended(Math.min(untilMs, performance.now() + 4000))
        flooder.destroy()
      }),
  },
  'wildcard bombs': {
    does: `${FLOODERS} sessions bind keys of 60 hashes and publish keys of 120 words on ${CHANNELS} channels, and come back`,
    run: (target, untilMs) => again(FLOODERS, untilMs, () => wildcards(target, untilMs)),
  },
  'channel churn': {
    does: `${FLOODERS} sessions open and close ${CHANNELS} channels again and again`,
    run: (target, untilMs) => flood(target, untilMs, webSocketFrame(BINARY, CHURN)),
  },
}

function publish(exchange: string, routingKey: string, bodyBytes: number, headers?: Buffer): Buffer {
  const properties = { headers: [] }
  const plain = encodeContentHeader({ bodySize: bodyBytes, ...(headers === undefined ? {} : { properties }) })
  // The empty table at the end gives way to one that no encoder would write.
  const header = headers === undefined ? plain : Buffer.concat([plain.subarray(0, -4), longstr(headers)])
  return Buffer.concat([
    methodFrame(1, 'basic.publish', { exchange, routingKey, mandatory: false, immediate: false }),
    frame(FRAME_HEADER, 1, header),
  ])
}

function longstr(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Entries of a table: each key one byte, each value a boolean. */
const ENTRY = Buffer.from([1, 0x61, 0x74, 1])
const WIDE = times(ENTRY, 1024)
const TOO_WIDE = times(Buffer.from([0, 0x56]), 40_000)

function nested(depth: number): Buffer {
  let table = Buffer.alloc(0)
  for (let level = 0; level < depth; level++) table = Buffer.concat([Buffer.from([1, 0x61, 0x46]), longstr(table)])
  return table
}

const BODY = frame(FRAME_BODY, 1, Buffer.from('x'))
const TINY_FRAMES = Buffer.concat([HEARTBEAT_FRAME, publish('abuse.drop', 'abuse.k', 1), BODY])
const MESSAGE = Buffer.concat([
  publish('abuse.drop', 'abuse.k', 4 * KIB),
  frame(FRAME_BODY, 1, Buffer.alloc(4 * KIB, 'x')),
])

const CHURN = Buffer.concat(
  Array.from({ length: CHANNELS }, (_, at) => [
    methodFrame(at + 2, 'channel.open', {}),
    methodFrame(at + 2, 'channel.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 }),
  ]).flat(),
)

async function flood(target: Target, untilMs: number, bytes: Buffer, isDeaf = false): Promise<void> {
  await again(FLOODERS, untilMs, async () => {
    const flooder = await Flooder.session(target)
    if (isDeaf) flooder.socket.pause()
    await flooder.flood(bytes, untilMs)
    flooder.destroy()
  })
}

/** Short sessions, one after the other, that behave. */
export async function ordinaryLoad(target: Target, untilMs: number): Promise<void> {
  const one = Buffer.concat([publish('abuse.drop', 'abuse.k', KIB), frame(FRAME_BODY, 1, Buffer.alloc(KIB, 'x'))])
  await again(FLOODERS, untilMs, async () => {
    const client = await Flooder.session(target)
    await client.flood(webSocketFrame(BINARY, times(one, 50)), Math.min(untilMs, performance.now() + ORDINARY_MS))
    client.destroy()
  })
}

async function fragments(target: Target, untilMs: number, payload: Buffer): Promise<void> {
  const rest = times(webSocketFrame(FRAGMENT, payload, false), 8000)
  await again(FLOODERS, untilMs, async () => {
    const flooder = await Flooder.session(target)
    flooder.socket.write(webSocketFrame(BINARY, payload, false))
    await flooder.flood(rest, untilMs)
    flooder.destroy()
  })
}

/** Every reader has a queue of its own at one exchange; one more session of this process fills them all. */
async function slowReaders(target: Target, untilMs: number): Promise<void> {
  const readers: Flooder[] = []
  for (let id = 0; id < READERS; id++) {
    const queue = `abuse.reader.${id}`
    const reader = await Flooder.session(target)
    const declared = { passive: false, durable: false, exclusive: true, autoDelete: true, noWait: true }
    const bounded = [{ key: 'x-max-length', type: 'I', value: 500 }] as const
    const consumed = { noLocal: false, noAck: true, exclusive: false, noWait: true, arguments: [] }
    reader.amqp(
      methodFrame(1, 'queue.declare', { queue, ...declared, arguments: bounded }),
      methodFrame(1, 'queue.bind', {
        queue,
        exchange: 'abuse.all',
        routingKey: 'abuse.k',
        noWait: true,
        arguments: [],
      }),
      methodFrame(1, 'basic.consume', { queue, consumerTag: 'x', ...consumed }),
      methodFrame(1, 'basic.qos', { prefetchSize: 0, prefetchCount: 0, global: false }),
    )
    await reader.heard('basic.qos-ok')
    reader.socket.pause()
    readers.push(reader)
  }
  const publisher = await Flooder.session(target)
  const body = frame(FRAME_BODY, 1, Buffer.alloc(4 * KIB, 'x'))
  const messages = Buffer.concat([publish('abuse.all', 'abuse.k', 4 * KIB), body])
  await publisher.flood(webSocketFrame(BINARY, times(messages, 8)), untilMs)
  for (const flooder of [...readers, publisher]) flooder.destroy()
}

async function slowBroker(target: Target, untilMs: number, ready: () => void): Promise<void> {
  const sessions = await Promise.all(Array.from({ length: PUBLISHERS }, () => Flooder.session(target, '/stalled')))
  ready()
  await Promise.all(sessions.map((session) => session.flood(webSocketFrame(BINARY, times(MESSAGE, 8)), untilMs)))
  for (const session of sessions) session.destroy()
}

async function wildcards(target: Target, untilMs: number): Promise<void> {
  const flooder = await Flooder.session(target)
  const hashes = Array.from({ length: 60 }, () => '#').join('.')
  const words = `a.${Array.from({ length: 119 }, (_, at) => 'bcd'[at % 3]).join('.')}`
  for (let channel = 2; channel < CHANNELS && flooder.isOpen && performance.now() < untilMs; channel += 40) {
    const bombs = Array.from({ length: 40 }, (_, at) => {
      const bound = { queue: 'abuse.wild', exchange: 'abuse.wild', noWait: true, arguments: [] }
      const published = { exchange: 'abuse.wild', routingKey: words, mandatory: false, immediate: false }
      return [
        methodFrame(channel + at, 'channel.open', {}),
        at % 2 === 0
          ? methodFrame(channel + at, 'queue.bind', { ...bound, routingKey: `a.${hashes}.z` })
          : Buffer.concat([
              methodFrame(channel + at, 'basic.publish', published),
              frame(FRAME_HEADER, channel + at, encodeContentHeader({ bodySize: 0 })),
            ]),
      ]
    })
    await flooder.flood(webSocketFrame(BINARY, Buffer.concat(bombs.flat())), performance.now() + 1)
  }
  flooder.amqp(methodFrame(0, 'connection.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 }))
  await flooder.ended(Math.min(untilMs, performance.now() + 4000))
  flooder.destroy()
}
