/** What is spoilt: every golden frame, a plain frame of every method, large messages, and whatever once went wrong. */
import { readdirSync, readFileSync } from 'node:fs'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame, HEARTBEAT_FRAME } from '../../proxy/codec/frame.ts'
import { METHOD_NAMES, methodFrame } from '../../proxy/codec/method.ts'
import { METHODS } from '../../proxy/codec/spec.ts'
import { goldenFrames } from '../support/golden.ts'
import type { Random } from '../support/random.ts'
import { spoilt } from './spoilt.ts'

/** Where inputs are kept that once broke something: `TARGET-NUMBER.hex`. */
export const CRASHES = new URL('../../fixtures/fuzz/', import.meta.url)

const PLAIN = {
  octet: 1,
  short: 1,
  long: 1,
  longlong: 1n,
  timestamp: 1n,
  bit: true,
  shortstr: 'a.b',
  longstr: Buffer.from('x'),
  table: [],
}

export function corpus(): Buffer[] {
  const methods = METHOD_NAMES.map((name) => {
    const fields = Object.entries(METHODS[name].fields).map(([field, type]) => [
      field,
      PLAIN[type as keyof typeof PLAIN],
    ])
    return methodFrame(name.startsWith('connection.') ? 0 : 1, name, Object.fromEntries(fields) as never)
  })
  const golden = [...goldenFrames(''), ...goldenFrames('refused/')].map(({ bytes }) => bytes)
  const content = [
    frame(
      FRAME_HEADER,
      1,
      encodeContentHeader({ bodySize: 4, properties: { contentType: 'a', replyTo: 'b', userId: 'joe.smith' } }),
    ),
    frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: 0 })),
    frame(FRAME_BODY, 1, Buffer.from('body')),
    HEARTBEAT_FRAME,
  ]
  return [...methods, ...golden, ...content, ...largeMessages()]
}

const SEEDS_MAX = 6

/** Some seeds, one after the other, spoilt. */
export function spoiltInput(seeds: readonly Buffer[], random: Random): Buffer {
  return spoilt(Buffer.concat(Array.from({ length: 1 + random.below(SEEDS_MAX) }, () => random.pick(seeds))), random)
}

/** Payloads of bodies around the sizes from which they are handed out in parts, cut again, or too large. */
const LARGE_BODIES = [[4087], [4088], [4089], [6000, 2000], [8184], [8185], [5000, 8184, 4088]]

/** Whole messages, as a broker and a client send them, and a body that belongs to none. */
function largeMessages(): Buffer[] {
  const published = { exchange: 'a.b', routingKey: 'a.b' }
  const delivery = { deliveryTag: 1n, redelivered: false, ...published }
  const messages = LARGE_BODIES.flatMap((bodies, at) => {
    const channel = 1 + (at % 3)
    const bodySize = bodies.reduce((sum, bytes) => sum + bytes, 0)
    const header = frame(FRAME_HEADER, channel, encodeContentHeader({ bodySize }))
    const content = [header, ...bodies.map((bytes) => frame(FRAME_BODY, channel, pattern(bytes)))]
    const methods = [
      methodFrame(channel, 'basic.deliver', { consumerTag: 'c', ...delivery }),
      methodFrame(channel, 'basic.get-ok', { messageCount: 0, ...delivery }),
      methodFrame(channel, 'basic.return', { replyCode: 312, replyText: 'NO_ROUTE', ...published }),
      methodFrame(channel, 'basic.publish', { mandatory: false, immediate: false, ...published }),
    ]
    return methods.map((method) => Buffer.concat([method, ...content]))
  })
  return [...messages, frame(FRAME_BODY, 0x0203, pattern(5000))]
}

/** Bytes of which hardly any neighbours are the same, so that it shows where some are lost, doubled or swapped. */
function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) % 256))
}

/** Inputs that once broke a target, which has to bear them for ever. */
export function crashesOf(target: string): Buffer[] {
  return readdirSync(CRASHES)
    .filter((name) => name.startsWith(`${target}-`) && name.endsWith('.hex'))
    .map((name) => Buffer.from(readFileSync(new URL(name, CRASHES), 'utf8').replace(/\s/g, ''), 'hex'))
}
