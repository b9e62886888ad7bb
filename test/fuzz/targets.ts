/**
 * What is fed with spoilt bytes. A target throws when something is wrong; what it must bear (the faults of the
 * protocol) it catches itself, and anything else that escapes is a find.
 */
import { strict as assert } from 'node:assert/strict'
import { glob } from '../../auth/glob.ts'
import { Policy } from '../../auth/index.ts'
import { topicPattern } from '../../auth/policy/topic.ts'
import { ContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_HEADER, FRAME_METHOD, FrameReader } from '../../proxy/codec/frame.ts'
import { checkMethod, decodeMethod, METHOD_NAMES, methodIndexAt } from '../../proxy/codec/method.ts'
import { decodeTable, encodeTable } from '../../proxy/codec/table.ts'
import { compile } from '../../proxy/filters/compile.ts'
import { authorizeFilter, type Filter, stampFilter } from '../../proxy/index.ts'
import { Gather } from '../../proxy/session/gather.ts'
import { Relay } from '../../proxy/session/relay.ts'
import { ToBroker } from '../../proxy/session/to-broker.ts'
import { ToClient } from '../../proxy/session/to-client.ts'
import { AuditLog, FilterSession } from '../support/filter-session.ts'
import { bearable, cut, feed } from './feed.ts'
import { phasesTarget } from './phases-target.ts'
import type { Random } from './random.ts'
import { upgradeTarget } from './upgrade-target.ts'

/** Feeds one input; returns how many frames (or other things) of it were judged. */
export type Target = (input: Buffer, random: Random) => number

export const TARGETS: Readonly<Record<string, Target>> = {
  codec: (input, random) => feed(cut(input, random), decode),
  table: (input) => {
    try {
      const table = decodeTable(input, 0, input.length)
      assert.ok(encodeTable(table).length > 0)
    } catch (error) {
      bearable(error)
    }
    return 1
  },
  'from-client': (input, random) => relaying(input, random, 'client'),
  'from-broker': (input, random) => relaying(input, random, 'broker'),
  phases: phasesTarget,
  upgrade: (_, random) => upgradeTarget(random),
  policy: (_, random) => policy(random),
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

/** A relay without sockets, with permissions and stamps, between a client and a broker of which one is out of its mind. */
function relaying(input: Buffer, random: Random, from: 'client' | 'broker'): number {
  const toBroker = new Gather()
  const toClient = new Gather()
  const relay = new Relay({
    toBroker,
    toClient,
    channelMax: 16,
    messageBytes: 65_536,
    clientPayloadMax: 4088,
    brokerUser: 'webuser',
    subject: 'joe.smith',
    client: { cancelNotify: true, blocked: true },
  })
  relay.slots = compile(FILTERS(), new FilterSession([]).view)
  for (const number of [1, 2, 3]) relay.channels.open(number)
  const client = new ToBroker(relay, () => undefined)
  const broker = new ToClient(
    relay,
    () => undefined,
    () => undefined,
  )
  const judged = feed(cut(input, random), (reader) => {
    if (from === 'client') client.frame(reader)
    else broker.frame(reader)
  })
  client.settle()
  for (const gather of [toBroker, toClient]) whole(Buffer.concat(gather.drain()))
  return judged
}

/** What leaves a relay is whole frames, whatever came in. */
function whole(bytes: Buffer): void {
  const reader = new FrameReader(0xffff_ffff)
  reader.push(bytes)
  while (reader.next()) assert.ok(reader.payloadEnd >= reader.payloadStart)
  assert.equal(reader.pendingBytes, 0, 'part of a frame left the relay')
}

const FACTS = {
  identity: {
    subject: 'joe.smith',
    issuer: 'staff',
    authenticator: 'staff',
    roles: ['trader'],
    claims: {},
    fromCookie: false,
  },
  session: 's1',
  address: '203.0.113.7',
  user: 'webuser',
}

const POLICY = new Policy([
  {
    applies: () => true,
    configure: [{ queue: 'a*' }, { queue: '' }],
    write: [{ queue: 'a*' }, { exchange: 'a*', routingKey: 'a.#' }],
    read: [{ queue: 'a*' }, { exchange: '*', routingKey: '#.b.*' }],
  },
])

function FILTERS(): Filter[] {
  const sink = new AuditLog()
  return [
    authorizeFilter(POLICY.authorizer(FACTS), sink),
    stampFilter(
      { userId: 'webuser', appId: 'fuzz', timestamp: () => 1, headers: [['x-gatehouse-user', 'joe.smith']] },
      sink,
    ),
  ]
}

function policy(random: Random): number {
  const pattern = random.text(24)
  const name = random.text(40)
  try {
    glob(pattern)(name)
    const rule = topicPattern(pattern)
    rule.matches(name)
    rule.contains(name)
  } catch (error) {
    // Patterns come from operators: a bad one is told at start, as a RangeError or a list of problems.
    assert.ok(error instanceof Error && error.name !== 'TypeError', String(error))
  }
  return 1
}
