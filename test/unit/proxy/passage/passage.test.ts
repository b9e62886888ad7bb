import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PROTOCOL_HEADER } from '../../../../proxy/codec/frame.ts'
import { FrameReader } from '../../../../proxy/codec/frame-reader.ts'
import { decodeMethod, METHOD_NAMES, methodFrame, methodIndexAt } from '../../../../proxy/codec/method.ts'
import { ConnectionFault } from '../../../../proxy/faults.ts'
import { Passage, type PassageEnd } from '../../../../proxy/passage/passage.ts'

const NO = Buffer.alloc(0)
const start = methodFrame(0, 'connection.start', {
  versionMajor: 0,
  versionMinor: 9,
  serverProperties: [{ key: 'product', type: 'S', value: Buffer.from('the gateway') }],
  mechanisms: Buffer.from('PLAIN'),
  locales: Buffer.from('en_US'),
})
const startOk = (response = '\0joe\0CANARY-local', mechanism = 'PLAIN') =>
  methodFrame(0, 'connection.start-ok', {
    clientProperties: [],
    mechanism,
    response: Buffer.from(response, 'latin1'),
    locale: 'en_US',
  })
const tune = methodFrame(0, 'connection.tune', { channelMax: 2047, frameMax: 131_072, heartbeat: 60 })
const tuneOk = methodFrame(0, 'connection.tune-ok', { channelMax: 2047, frameMax: 4096, heartbeat: 60 })
const open = methodFrame(0, 'connection.open', { virtualHost: '/', reserved2: false })
const openOk = methodFrame(0, 'connection.open-ok', {})
const close = methodFrame(0, 'connection.close', { replyCode: 200, replyText: 'bye', classId: 0, methodId: 0 })
const closeOk = methodFrame(0, 'connection.close-ok', {})
const away = new ConnectionFault('connection-forced', 'no gateway answers')

class Rig {
  readonly calls: string[] = []
  readonly #down = new FrameReader(1_000_000)
  readonly #up: Buffer[] = []
  #last = NO
  isAdmitted = true
  end: PassageEnd | undefined
  passwords: string[] = []
  readonly passage = new Passage({
    wantsPassword: false,
    toClient: (bytes) => {
      this.#last = Buffer.from(bytes)
      this.#down.push(this.#last)
    },
    toGateway: (bytes) => this.#up.push(Buffer.from(bytes)),
    introduced: () => this.calls.push('introduced'),
    admits: ({ password }) => {
      this.passwords.push(password?.toString() ?? '-')
      return this.isAdmitted
    },
    holdClient: (isHeld) => this.calls.push(isHeld ? 'hold' : 'go on'),
    opened: () => this.calls.push('opened'),
    renewed: () => this.calls.push('renewed'),
    closing: () => this.calls.push('closing'),
    over: (end) => {
      assert.equal(this.end, undefined)
      this.end = end
    },
  })

  /** Methods that the client has got since it was asked last, with their code. */
  client(): string[] {
    const got: string[] = []
    while (this.#down.next()) {
      const { buffer, payloadStart, payloadEnd } = this.#down
      const name = METHOD_NAMES[methodIndexAt(buffer, payloadStart, payloadEnd)] ?? '?'
      if (name !== 'connection.close') got.push(name)
      else {
        const { replyCode, replyText } = decodeMethod(name, buffer, payloadStart + 4, payloadEnd)
        got.push(`${replyCode} ${replyText}`)
      }
    }
    assert.equal(this.#down.pendingBytes, 0)
    return got
  }

  /** What the client got last, as it is. */
  raw(): Buffer {
    return this.#last
  }

  /** Bytes for the gateway since it was asked last. */
  gateway(): Buffer {
    return Buffer.concat(this.#up.splice(0))
  }

  /** Up to `open-ok`. */
  open(): this {
    const { passage } = this
    passage.fromClient(Buffer.from(PROTOCOL_HEADER))
    passage.gatewayIsThere()
    passage.fromGateway(start)
    passage.fromClient(startOk())
    passage.fromGateway(tune)
    passage.fromClient(Buffer.concat([tuneOk, open]))
    passage.fromGateway(openOk)
    this.client()
    this.gateway()
    return this
  }
}

describe('a passage', () => {
  it('G103 passes everything on, but for the local password', () => {
    const rig = new Rig()
    rig.passage.fromClient(Buffer.from(PROTOCOL_HEADER))
    assert.deepEqual(rig.calls, ['introduced'])
    rig.passage.gatewayIsThere()
    assert.ok(rig.gateway().equals(PROTOCOL_HEADER))
    rig.passage.fromGateway(start)
    assert.deepEqual(rig.client(), ['connection.start'])
    rig.passage.fromClient(startOk())
    assert.deepEqual(rig.passwords, ['CANARY-local'])
    assert.ok(rig.gateway().equals(startOk('')))
    rig.passage.fromGateway(tune)
    rig.passage.fromClient(Buffer.concat([tuneOk, open]))
    rig.passage.fromGateway(openOk)
    assert.deepEqual(rig.client(), ['connection.tune', 'connection.open-ok'])
    assert.ok(rig.gateway().equals(Buffer.concat([tuneOk, open])))
    assert.deepEqual(rig.calls, ['introduced', 'hold', 'go on', 'opened'])
  })

  it('takes the header and the start-ok in crumbs, and what comes behind them', () => {
    const rig = new Rig()
    rig.passage.gatewayIsThere()
    rig.gateway()
    for (const byte of Buffer.concat([PROTOCOL_HEADER, startOk(), tuneOk])) rig.passage.fromClient(Buffer.from([byte]))
    assert.deepEqual(rig.calls, ['introduced', 'hold'])
    for (const byte of start) rig.passage.fromGateway(Buffer.from([byte]))
    assert.ok(rig.gateway().equals(Buffer.concat([startOk(''), tuneOk])))
  })

  it('answers another version with its own, and something else too', () => {
    for (const text of ['AMQP\x00\x01\x00\x00', 'GET / HTTP/1.1\r\n']) {
      const rig = new Rig()
      rig.passage.fromClient(Buffer.from(text))
      assert.ok(rig.raw().equals(PROTOCOL_HEADER))
      assert.equal(rig.end, 'not-amqp')
    }
  })

  it('gives the client a start of its own where the gateway is slow, and drops the late one', () => {
    const rig = new Rig()
    rig.passage.fromClient(Buffer.from(PROTOCOL_HEADER))
    rig.passage.startNow()
    rig.passage.startNow()
    assert.deepEqual(rig.client(), ['connection.start'])
    rig.passage.fromClient(startOk())
    rig.passage.gatewayIsThere()
    assert.ok(rig.gateway().equals(PROTOCOL_HEADER))
    rig.passage.fromGateway(start)
    assert.deepEqual(rig.client(), [])
    assert.ok(rig.gateway().equals(startOk('')))
  })

  it('tells why there is no way when the client can read it: after its start-ok', () => {
    const rig = new Rig()
    rig.passage.fromClient(Buffer.from(PROTOCOL_HEADER))
    rig.passage.refuse(away)
    assert.deepEqual(rig.client(), ['connection.start'])
    rig.passage.fromClient(startOk())
    assert.deepEqual(rig.client(), ['320 CONNECTION_FORCED - no gateway answers'])
    assert.equal(rig.end, undefined)
    rig.passage.fromClient(closeOk)
    assert.equal(rig.end, 'told')
    assert.ok(rig.gateway().equals(NO))
  })

  it('tells it at once where the start-ok is there', () => {
    const rig = new Rig()
    rig.passage.fromClient(Buffer.from(PROTOCOL_HEADER))
    rig.passage.startNow()
    rig.passage.fromClient(startOk())
    rig.passage.refuse(away)
    assert.deepEqual(rig.client(), ['connection.start', '320 CONNECTION_FORCED - no gateway answers'])
  })

  it('G101 shows nobody the way who has the wrong local password, in PLAIN, AMQPLAIN or none', () => {
    const amqplain = '\x05LOGINS\0\0\0\x03joe\x08PASSWORDS\0\0\0\x04word'
    for (const [frame, password] of [
      [startOk(), 'CANARY-local'],
      [startOk(amqplain, 'AMQPLAIN'), 'word'],
      [startOk('\x05LOGINF\0\0\xff', 'AMQPLAIN'), '-'],
      [startOk('joe', 'PLAIN'), '-'],
      [startOk('', 'EXTERNAL'), '-'],
    ] as const) {
      const rig = new Rig()
      rig.isAdmitted = false
      rig.passage.fromClient(Buffer.from(PROTOCOL_HEADER))
      rig.passage.gatewayIsThere()
      rig.passage.fromGateway(start)
      rig.gateway()
      rig.passage.fromClient(frame)
      assert.deepEqual(rig.passwords, [password])
      assert.match(rig.client()[1] ?? '', /^403 ACCESS_REFUSED - the local password/)
      rig.passage.fromClient(open)
      assert.ok(rig.gateway().equals(NO))
    }
  })

  it('tells a client in mid-session that its gateway is gone, and goes with its close-ok', () => {
    const rig = new Rig().open()
    rig.passage.refuse(away)
    assert.deepEqual(rig.client(), ['320 CONNECTION_FORCED - no gateway answers'])
    rig.passage.fromClient(Buffer.concat([open, closeOk]))
    assert.equal(rig.end, 'told')
    assert.ok(rig.gateway().equals(NO))
  })

  it('answers a close that nobody else can answer any more', () => {
    const rig = new Rig().open()
    rig.passage.fromClient(close)
    rig.passage.refuse(away)
    assert.deepEqual(rig.client(), ['connection.close-ok'])
    assert.equal(rig.end, 'closed')
  })

  it('answers a close that crosses its own', () => {
    const rig = new Rig().open()
    rig.passage.refuse(away)
    rig.client()
    rig.passage.fromClient(close)
    assert.deepEqual(rig.client(), ['connection.close-ok'])
    rig.passage.fromClient(closeOk)
    assert.equal(rig.end, 'told')
  })

  it('is over with the answer to a close, whoever closed', () => {
    const byClient = new Rig().open()
    byClient.passage.fromClient(close)
    byClient.passage.fromGateway(closeOk)
    assert.deepEqual(byClient.client(), ['connection.close-ok'])
    assert.equal(byClient.end, 'closed')

    const byGateway = new Rig().open()
    byGateway.passage.fromGateway(close)
    byGateway.passage.refuse(away)
    assert.deepEqual(byGateway.client(), ['200 bye'])
    byGateway.passage.fromClient(closeOk)
    assert.equal(byGateway.end, 'told')
  })

  it('cuts where the gateway went away within a frame: nothing can be told', () => {
    const rig = new Rig().open()
    rig.passage.fromGateway(tune.subarray(0, 14))
    rig.passage.refuse(away)
    assert.equal(rig.end, 'cut')
  })

  it('renews between two frames of the client, and keeps the answer', () => {
    const rig = new Rig().open()
    rig.passage.fromClient(open.subarray(0, 15))
    assert.equal(rig.passage.renew(Buffer.from('fresh')), true)
    rig.passage.fromClient(open.subarray(15))
    const secret = methodFrame(0, 'connection.update-secret', { newSecret: Buffer.from('fresh'), reason: 'renewed' })
    assert.ok(rig.gateway().equals(Buffer.concat([open, secret])))
    rig.passage.fromGateway(methodFrame(0, 'connection.update-secret-ok', {}))
    assert.deepEqual(rig.client(), [])
    assert.ok(rig.calls.includes('renewed'))
  })

  it('does not renew before open-ok, during a close, or beyond the frames of its client', () => {
    assert.equal(new Rig().passage.renew(Buffer.from('fresh')), false)
    const rig = new Rig().open()
    assert.equal(rig.passage.renew(Buffer.alloc(5_000)), false)
    rig.passage.fromClient(close)
    assert.equal(rig.passage.renew(Buffer.from('fresh')), false)
  })

  it("answers the client's own update-secret itself", () => {
    const rig = new Rig().open()
    rig.passage.fromClient(
      methodFrame(0, 'connection.update-secret', { newSecret: Buffer.from('CANARY'), reason: 'mine' }),
    )
    assert.deepEqual(rig.client(), ['connection.update-secret-ok'])
    assert.ok(rig.gateway().equals(NO))
  })

  it('lets a client leave before it said who it is, and refuses what may not come then', () => {
    const left = new Rig()
    left.passage.fromClient(Buffer.concat([PROTOCOL_HEADER, close]))
    assert.deepEqual(left.client(), ['connection.close-ok'])
    assert.equal(left.end, 'closed')
    const wrong = new Rig()
    wrong.passage.fromClient(Buffer.concat([PROTOCOL_HEADER, open]))
    assert.deepEqual(wrong.client(), ['503 COMMAND_INVALID - expected connection.start-ok'])
    const large = new Rig()
    large.passage.fromClient(Buffer.concat([PROTOCOL_HEADER, Buffer.from([1, 0, 0, 1, 0, 0, 0])]))
    assert.match(large.client()[0] ?? '', /^501 FRAME_ERROR/)
  })

  it('says so where what answers is no AMQP server', () => {
    const rig = new Rig()
    rig.passage.fromClient(Buffer.concat([PROTOCOL_HEADER, startOk()]))
    rig.passage.gatewayIsThere()
    rig.passage.fromGateway(Buffer.from('HTTP/1.1 200 OK\r\n'))
    assert.match(rig.client()[1] ?? '', /^541 .*does not speak AMQP 0-9-1/)
  })
})
