/** What is spoilt: every golden frame, a plain frame of every method, and whatever once went wrong. */
import { readdirSync, readFileSync } from 'node:fs'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame, HEARTBEAT_FRAME } from '../../proxy/codec/frame.ts'
import { METHOD_NAMES, methodFrame } from '../../proxy/codec/method.ts'
import { METHODS } from '../../proxy/codec/spec.ts'
import { goldenFrames } from '../support/golden.ts'

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
  return [...methods, ...golden, ...content]
}

/** Inputs that once broke a target, which has to bear them for ever. */
export function crashesOf(target: string): Buffer[] {
  return readdirSync(CRASHES)
    .filter((name) => name.startsWith(`${target}-`) && name.endsWith('.hex'))
    .map((name) => Buffer.from(readFileSync(new URL(name, CRASHES), 'utf8').replace(/\s/g, ''), 'hex'))
}
