/**
 * A relay without sockets, with permissions and stamps, between a client and a broker of which one is out of its mind.
 * What leaves it is whole frames, whatever came in, and the same ones whether or not bodies came in parts.
 */
import { strict as assert } from 'node:assert/strict'
import { compileMatch, Policy } from '../../auth/index.ts'
import { FRAME_OVERHEAD_BYTES } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { authorizeFilter, type Filter, stampFilter } from '../../proxy/index.ts'
import { Gather } from '../../proxy/session/legs/gather.ts'
import { Relay } from '../../proxy/session/relaying/relay.ts'
import { ToBroker } from '../../proxy/session/relaying/to-broker.ts'
import { ToClient } from '../../proxy/session/relaying/to-client.ts'
import { AuditLog, FilterSession } from '../support/filter-session.ts'
import type { Random } from '../support/random.ts'
import { cut, type Fed, FRAME_MAX_BYTES, feed } from './feed.ts'

/** What clients take: less than the broker sends, so that bodies are cut again, or as much, so that they pass as they are. */
const CLIENT_PAYLOADS = [4096 - FRAME_OVERHEAD_BYTES, FRAME_MAX_BYTES - FRAME_OVERHEAD_BYTES]

/** Client frames are put together, as the product does it. */
export function fromClientTarget(input: Buffer, random: Random): Fed {
  const rig = new RelayRig(random.pick(CLIENT_PAYLOADS))
  const fed = feed(cut(input, random), new FrameReader(FRAME_MAX_BYTES), (reader) => rig.client.frame(reader))
  rig.sent()
  return fed
}

/** Broker bodies come in parts, as the product has it; now and then the same is done without. */
export function fromBrokerTarget(input: Buffer, random: Random): Fed {
  const pieces = cut(input, random)
  const payloadMax = random.pick(CLIENT_PAYLOADS)
  const [fed, sent] = fromBroker(pieces, payloadMax, true)
  if (fed.inParts > 0 || random.chance(8)) {
    const [plainFed, plainSent] = fromBroker(pieces, payloadMax, false)
    assert.equal(fed.frames, plainFed.frames)
    for (const [at, bytes] of sent.entries())
      assert.ok(bytes.equals(plainSent[at] as Buffer), 'parts came out otherwise')
  }
  return fed
}

function fromBroker(pieces: readonly Buffer[], payloadMax: number, inParts: boolean): [Fed, readonly Buffer[]] {
  const rig = new RelayRig(payloadMax)
  const fed = feed(pieces, new FrameReader(FRAME_MAX_BYTES, inParts), (reader) => rig.broker.frame(reader))
  return [fed, rig.sent()]
}

class RelayRig {
  readonly client: ToBroker
  readonly broker: ToClient
  readonly #gathers = [new Gather(), new Gather()] as const

  constructor(clientPayloadMax: number) {
    const [toBroker, toClient] = this.#gathers
    const options = {
      toBroker,
      toClient,
      channelMax: 16,
      clientPayloadMax,
      client: { cancelNotify: true, blocked: true },
    }
    const rules = { filters: filters(), messageBytes: 65_536 }
    const relay = new Relay(options, rules, () => new FilterSession([]).view)
    for (const number of [1, 2, 3]) relay.channels.open(number)
    this.client = new ToBroker(relay, () => undefined)
    this.broker = new ToClient(
      relay,
      () => undefined,
      (_channel, { replyText }) => replyText,
    )
  }

  /** What left for the broker and for the client. @throws AssertionError where that is not whole frames */
  sent(): Buffer[] {
    this.client.settle()
    const sent = this.#gathers.map((gather) => Buffer.concat(gather.drain()))
    for (const bytes of sent) whole(bytes)
    return sent
  }
}

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
    match: compileMatch(undefined),
    configure: [{ queue: 'a*' }, { queue: '' }],
    write: [{ queue: 'a*' }, { exchange: 'a*', routingKey: 'a.#' }],
    read: [{ queue: 'a*' }, { exchange: '*', routingKey: '#.b.*' }],
  },
])

function filters(): Filter[] {
  const sink = new AuditLog()
  return [
    authorizeFilter(POLICY.authorizer(FACTS), sink),
    stampFilter(
      { userId: 'webuser', appId: 'fuzz', timestamp: () => 1, headers: [['x-gatehouse-user', 'joe.smith']] },
      sink,
    ),
  ]
}
