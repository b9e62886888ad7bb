/**
 * The phases: the opening handshake of both legs and the closing of a refused client, with frames out of order, spoilt,
 * twice or missing. Whatever comes, the phases move along their table, nobody opens who has not walked all the way, and
 * what the client said about itself does not reach the broker.
 */
import { strict as assert } from 'node:assert/strict'
import { FRAME_METHOD, PROTOCOL_HEADER } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { METHOD_NAMES, methodFrame, methodIndexAt } from '../../proxy/codec/method.ts'
import { type ClientEnd, NO_BROKER, refuseInBand, type SessionOptions } from '../../proxy/index.ts'
import { BrokerLeg } from '../../proxy/session/legs/broker-leg.ts'
import { ClientLeg } from '../../proxy/session/legs/client-leg.ts'
import { Handshake } from '../../proxy/session/opening/handshake.ts'
import { follows, type Phase } from '../../proxy/session/phases.ts'
import type { Random } from '../support/random.ts'
import { bearable, cut } from './feed.ts'
import { spoilt } from './spoilt.ts'

const MALLORY = Buffer.from('MALLORY')
const SECRET = Buffer.from('BROKER-PASSWORD')

const LIMITS = {
  handshakeMs: 60_000,
  preOpenFrameBytes: 16_384,
  frameMaxBytes: 131_072,
  channelMax: 2047,
  heartbeatSeconds: 60,
  messageBytes: 1_000_000,
  buffer: { highBytes: 262_144, lowBytes: 131_072 },
  pingMs: 25_000,
}

type From = 'client' | 'broker'
type Step = readonly [From, Buffer]

/** The way that leads to an open session. */
const WAY: readonly Step[] = [
  ['client', Buffer.from(PROTOCOL_HEADER)],
  [
    'broker',
    methodFrame(0, 'connection.start', {
      versionMajor: 0,
      versionMinor: 9,
      serverProperties: [{ key: 'product', type: 'S', value: Buffer.from('RabbitMQ') }],
      mechanisms: Buffer.from('PLAIN AMQPLAIN'),
      locales: Buffer.from('en_US'),
    }),
  ],
  [
    'client',
    methodFrame(0, 'connection.start-ok', {
      clientProperties: [{ key: 'product', type: 'S', value: Buffer.from('fuzz') }],
      mechanism: 'PLAIN',
      response: MALLORY,
      locale: 'en_US',
    }),
  ],
  ['broker', methodFrame(0, 'connection.tune', { channelMax: 2047, frameMax: 131_072, heartbeat: 60 })],
  ['client', methodFrame(0, 'connection.tune-ok', { channelMax: 2047, frameMax: 131_072, heartbeat: 60 })],
  ['client', methodFrame(0, 'connection.open', { virtualHost: 'MALLORY', reserved2: false })],
  ['broker', methodFrame(0, 'connection.open-ok', {})],
]

/** `start` is left out where the broker was quicker than the client. */
const NEEDED: readonly Phase[] = ['header', 'start-ok', 'tune', 'tune-ok', 'open', 'open-ok']

const CLOSE_OK = methodFrame(0, 'connection.close-ok', {})

export function phasesTarget(input: Buffer, random: Random): number {
  return random.chance(3) ? refused(input, random) : opening(input, random)
}

/** One way through the handshake, with accidents. */
function opening(input: Buffer, random: Random): number {
  const legs = new Opening()
  let judged = 0
  for (const [from, bytes] of WAY) {
    if (random.chance(12)) continue
    const [accident, other] = [random.below(8), random.pick(WAY)]
    if (accident === 0) judged += legs.feed(random.chance(2) ? 'client' : 'broker', other[1], random)
    if (accident === 1) judged += legs.feed(from, input, random)
    judged += legs.feed(from, accident === 2 ? spoilt(bytes, random) : bytes, random)
  }
  legs.judge()
  return judged
}

/** A client that is refused in band, and what it sends meanwhile. */
function refused(input: Buffer, random: Random): number {
  let ended = 0
  const session = refuseInBand(
    options(() => ended++),
    {
      code: 'access-refused',
      explanation: 'no promotion rule',
      closeCode: 4403,
    },
  )
  const pieces = [WAY[0]?.[1], WAY[2]?.[1], CLOSE_OK].map((bytes) =>
    random.chance(4) ? spoilt(Buffer.from(bytes ?? ''), random) : Buffer.from(bytes ?? ''),
  )
  if (random.chance(2)) pieces.splice(random.below(pieces.length), 0, Buffer.from(input))
  for (const piece of pieces) for (const part of cut(piece, random)) session.receive(part)
  session.clientGone(1006)
  assert.equal(ended, 1, 'the end of a session is told once')
  return pieces.length
}

class Opening {
  phase: Phase = 'header'
  readonly #client: ClientLeg
  readonly #broker: Recorder
  readonly #handshake: Handshake
  readonly #readers = { client: new FrameReader(LIMITS.preOpenFrameBytes), broker: new FrameReader(131_072, true) }
  readonly #walked = new Set<Phase>(['header'])
  #over = false
  #opened = false

  constructor() {
    this.#client = new ClientLeg(END, LIMITS, NO_EVENTS)
    this.#broker = new Recorder(LIMITS.buffer, NO_EVENTS)
    const stop = (): void => {
      this.#over = true
    }
    this.#handshake = new Handshake(
      options(() => undefined),
      this.#client,
      this.#broker,
      {
        course: this,
        closing: { hasToTell: false, begin: stop, tellClient: stop, clientCloses: stop },
        opened: () => {
          this.#opened = true
          stop()
        },
      },
    )
  }

  /** Feeds one peer's bytes until they are used up or the handshake is over. Returns how many frames were judged. */
  feed(from: From, bytes: Buffer, random: Random): number {
    const reader = this.#readers[from]
    let judged = 1
    try {
      for (const piece of cut(bytes, random)) {
        reader.push(piece)
        while (!this.#over && this.#step(from, reader)) judged++
      }
    } catch (error) {
      this.#over = true
      bearable(error)
    }
    return judged
  }

  judge(): void {
    if (this.#opened) for (const phase of NEEDED) assert.ok(this.#walked.has(phase), `opened without ${phase}`)
    const sent = Buffer.concat(this.#broker.sent)
    assert.ok(!sent.includes(MALLORY), 'what the client says about itself reached the broker')
    const reader = new FrameReader(0xffff_ffff)
    reader.push(sent)
    while (reader.next()) {
      const name = METHOD_NAMES[methodIndexAt(reader.buffer, reader.payloadStart, reader.payloadEnd)]
      assert.ok(reader.type === FRAME_METHOD && name?.startsWith('connection.'))
    }
  }

  /** The way a session's course goes. */
  enter(phase: Phase): void {
    assert.ok(follows(this.phase, phase), `no way from ${this.phase} to ${phase}`)
    this.phase = phase
    this.#walked.add(phase)
  }

  #step(from: From, reader: FrameReader): boolean {
    if (from === 'client' && this.phase === 'header') {
      const header = reader.header()
      if (header === undefined) return false
      if (!this.#handshake.onHeader(header)) this.#over = true
      return true
    }
    if (!reader.next()) return false
    if (from === 'client') this.#handshake.clientFrame(reader)
    else this.#handshake.brokerFrame(reader)
    return true
  }
}

/** A broker leg that is connected to nothing and keeps what it should send. */
class Recorder extends BrokerLeg {
  readonly sent: Buffer[] = []

  override sendSecret(frame: Buffer): void {
    this.sent.push(Buffer.from(frame))
  }

  override flush(): void {
    this.sent.push(...this.out.drain())
  }
}

const NO_EVENTS = { readable() {}, lost() {}, drained() {}, gone() {}, full() {}, busy() {} }

const END: ClientEnd = {
  bufferedBytes: () => 0,
  send: () => {},
  ping: () => {},
  pause: () => {},
  resume: () => {},
  close: () => {},
  terminate: () => {},
}

function options(ended: () => void): SessionOptions {
  return {
    id: 's1',
    client: END,
    identity: { subject: 'joe.smith', issuer: 'staff', address: '203.0.113.7' },
    credential: { username: 'webuser', mechanisms: ['PLAIN', 'AMQPLAIN'], response: () => Buffer.from(SECRET) },
    vhosts: { pinned: '/' },
    dialler: NO_BROKER,
    limits: LIMITS,
    filters: [],
    observer: { ended },
  }
}
