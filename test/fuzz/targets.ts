/**
 * What is fed with spoilt bytes. A target throws when something is wrong; what it must bear (the faults of the
 * protocol) it catches itself, and anything else that escapes is a find.
 */
import { strict as assert } from 'node:assert/strict'
import { glob } from '../../auth/glob.ts'
import { topicPattern } from '../../auth/policy/topic.ts'
import { ContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_HEADER, FRAME_METHOD } from '../../proxy/codec/frame.ts'
import type { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { checkMethod, decodeMethod, METHOD_NAMES, methodIndexAt } from '../../proxy/codec/method.ts'
import { decodeTable, encodeTable } from '../../proxy/codec/table.ts'
import type { Random } from '../support/random.ts'
import { claimsTarget } from './claims-target.ts'
import { crossingsTarget } from './crossings-target.ts'
import { bearable, cut, FED_ONE, type Fed, FRAME_MAX_BYTES, feed } from './feed.ts'
import { headersTarget } from './headers-target.ts'
import { phasesTarget } from './phases-target.ts'
import { proxyHeaderTarget } from './proxy-header-target.ts'
import { fromBrokerTarget, fromClientTarget } from './relay-target.ts'
import { TwinReader } from './twin-reader.ts'
import { upgradeTarget } from './upgrade-target.ts'

/** Feeds one input; returns how many frames (or other things) of it were judged. */
export type Target = (input: Buffer, random: Random) => Fed | Promise<Fed>

export const TARGETS: Readonly<Record<string, Target>> = {
  codec: (input, random) => feed(cut(input, random), new TwinReader(FRAME_MAX_BYTES), decode),
  table: (input) => {
    try {
      const table = decodeTable(input, 0, input.length)
      assert.ok(encodeTable(table).length > 0)
    } catch (error) {
      bearable(error)
    }
    return FED_ONE
  },
  'from-client': fromClientTarget,
  'from-broker': fromBrokerTarget,
  phases: (input, random) => ({ frames: phasesTarget(input, random), inParts: 0 }),
  crossings: (_, random) => {
    crossingsTarget(random)
    return FED_ONE
  },
  upgrade: (_, random) => {
    upgradeTarget(random)
    return FED_ONE
  },
  claims: (_, random) => {
    claimsTarget(random)
    return FED_ONE
  },
  headers: async (_, random) => {
    await headersTarget(random)
    return FED_ONE
  },
  'proxy-header': (_, random) => {
    proxyHeaderTarget(random)
    return FED_ONE
  },
  policy: (_, random) => {
    policy(random)
    return FED_ONE
  },
}

function decode({ type, buffer, payloadStart, payloadEnd }: FrameReader): void {
  if (type === FRAME_HEADER) new ContentHeader().read(buffer, payloadStart, payloadEnd).property('headers')
  if (type !== FRAME_METHOD) return
  const index = methodIndexAt(buffer, payloadStart, payloadEnd)
  const name = METHOD_NAMES[index]
  if (name === undefined) return
  checkMethod(index, buffer, payloadStart + 4, payloadEnd)
  decodeMethod(name, buffer, payloadStart + 4, payloadEnd)
}

/** Characters that patterns care about, and some that they should not. */
const ALPHABET = [...'ab.*#?-_%${}\\(\0\né\u{1f600}Z9']

function policy(random: Random): void {
  const text = (most: number): string =>
    Array.from({ length: random.below(most + 1) }, () => random.pick(ALPHABET)).join('')
  const pattern = text(24)
  const name = text(40)
  try {
    glob(pattern)(name)
    const rule = topicPattern(pattern)
    rule.matches(name)
    rule.contains(name)
  } catch (error) {
    // Patterns come from operators: a bad one is told at start, as a RangeError or a list of problems.
    assert.ok(error instanceof Error && error.name !== 'TypeError', String(error))
  }
}
