import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FRAME_HEADER, PROTOCOL_HEADER } from '../../../../../proxy/codec/frame.ts'
import { find, type TableEntry } from '../../../../../proxy/codec/table.ts'
import { ConnectionFault } from '../../../../../proxy/index.ts'
import { BROKER_PASSWORD, type BrokerScript, CLIENT_PROPERTIES, Rig } from '../../../../support/session-rig.ts'

const START_OK = {
  clientProperties: CLIENT_PROPERTIES,
  mechanism: 'PLAIN',
  response: Buffer.from('\0a\0b'),
  locale: 'en_US',
}

/** A long string of a table, as text. */
function text(entry: TableEntry | undefined): string | undefined {
  return entry?.type === 'S' ? entry.value.toString() : undefined
}

describe('the opening handshake', () => {
  it('A1 shows the broker the promoted credential and nothing of the client’s', async () => {
    const rig = await Rig.relaying()

    const startOk = await rig.broker.record.method('connection.start-ok')
    assert.equal(startOk.fields.mechanism, 'PLAIN')
    assert.equal(startOk.fields.response.toString(), `\0smithj\0${BROKER_PASSWORD}`)
    const text = rig.broker.record.bytes.toString('latin1')
    for (const canary of ['mallory', 'CANARY-client-password', 'asked-for']) assert.ok(!text.includes(canary), canary)
    assert.deepEqual(rig.broker.record.header, PROTOCOL_HEADER)
    assert.equal((await rig.broker.record.method('connection.open')).fields.virtualHost, '/pinned')
    await rig.stop()
  })

  it('A16 names the identity in the connection name and in a table of its own, and keeps the client’s capabilities', async () => {
    const rig = await Rig.relaying()

    const { clientProperties } = (await rig.broker.record.method('connection.start-ok')).fields

    assert.equal(text(find(clientProperties, 'connection_name')), 'joe.smith 203.0.113.7 → smithj "I am somebody else"')
    assert.equal(clientProperties.filter((entry) => entry.key === 'connection_name').length, 1)
    const gatehouse = find(clientProperties, 'gatehouse')
    assert.ok(gatehouse?.type === 'F')
    assert.deepEqual(
      gatehouse.value.map((entry) => [entry.key, text(entry)]),
      [
        ['subject', 'joe.smith'],
        ['issuer', 'staff'],
        ['session', 'session-1'],
        ['address', '203.0.113.7'],
        ['connection_name', 'I am somebody else'],
      ],
    )
    const capabilities = find(clientProperties, 'capabilities')
    assert.ok(capabilities?.type === 'F')
    assert.deepEqual(capabilities.value.map((entry) => entry.key).sort(), [
      'authentication_failure_close',
      'connection.blocked',
      'consumer_cancel_notify',
    ])
    assert.equal(text(find(clientProperties, 'product')), 'test-client')
    await rig.stop()
  })

  it('E4 tells the client the broker’s product, version and capabilities, and no cluster', async () => {
    const rig = await Rig.open()
    rig.write(PROTOCOL_HEADER)

    const { fields } = await rig.client.method('connection.start')

    assert.deepEqual(fields.serverProperties.map((entry) => entry.key).sort(), [
      'capabilities',
      'platform',
      'product',
      'version',
    ])
    assert.equal(text(find(fields.serverProperties, 'platform')), 'WebSocket')
    assert.equal(fields.mechanisms.toString(), 'PLAIN AMQPLAIN EXTERNAL ANONYMOUS')
    await rig.stop()
  })

  it('A3 answers any other protocol header with its own, and closes', async () => {
    for (const header of [
      '414d515000000901',
      '414d515001010009',
      '414d515003010000',
      '414d515000000902',
      '4745542f20485454',
      '160301020001fc03',
    ].slice(1)) {
      const rig = await Rig.open()

      rig.write(Buffer.from(header, 'hex'))

      assert.equal((await rig.closed).code, 1002)
      assert.deepEqual(rig.client.bytes, PROTOCOL_HEADER)
      assert.equal((await rig.ended).reason, 'client-fault')
      rig.broker.close()
    }
  })

  it('A12 takes everything pipelined in one message, and acts upon it in order', async () => {
    const rig = await Rig.open()
    const { methodFrame } = await import('../../../../../proxy/codec/method.ts')

    rig.write(
      Buffer.concat([
        PROTOCOL_HEADER,
        methodFrame(0, 'connection.start-ok', START_OK),
        methodFrame(0, 'connection.tune-ok', { channelMax: 2047, frameMax: 131_072, heartbeat: 0 }),
        methodFrame(0, 'connection.open', { virtualHost: '/', reserved2: false }),
        methodFrame(1, 'channel.open', {}),
      ]),
    )

    await rig.client.method('channel.open-ok')
    assert.deepEqual(rig.broker.record.names(), [
      'connection.start-ok',
      'connection.tune-ok',
      'connection.open',
      'channel.open',
    ])
    await rig.stop()
  })

  it('offers the smaller of the broker’s and its own limits, never 0', async () => {
    const unlimited = await Rig.open({
      script: { tune: { channelMax: 0, frameMax: 0, heartbeat: 0 } },
      limits: { channelMax: 128, frameMaxBytes: 65_536 },
    })
    await unlimited.handshake()
    const tune = unlimited.client.frames.find((frame) => frame.name === 'connection.tune')
    assert.deepEqual({ ...tune?.fields }, { channelMax: 128, frameMax: 65_536, heartbeat: 60 })
    await unlimited.stop()
  })

  it('tunes the broker leg for itself: no smaller than brokers accept, with a heartbeat even where the client wants none', async () => {
    const rig = await Rig.open()
    await rig.handshake({ frameMax: 4096, channelMax: 7, heartbeat: 0 })

    const { fields } = await rig.broker.record.method('connection.tune-ok')

    assert.deepEqual({ ...fields }, { channelMax: 7, frameMax: 8192, heartbeat: 60 })
    await rig.stop()
  })

  for (const [what, tuneOk] of Object.entries({
    'a frame-max of 0': { frameMax: 0 },
    'a frame-max below 4096': { frameMax: 4095 },
    'a frame-max above the offer': { frameMax: 131_073 },
    'a channel-max of 0': { channelMax: 0 },
    'a channel-max above the offer': { channelMax: 2048 },
  })) {
    it(`A18 refuses ${what} with 530, and the broker never hears of it`, async () => {
      const rig = await Rig.open()
      const done = rig.handshake(tuneOk).catch(() => undefined)

      const { fields } = await rig.client.method('connection.close')

      assert.equal(fields.replyCode, 530)
      assert.deepEqual([fields.classId, fields.methodId], [10, 31])
      assert.ok(!rig.broker.record.names().includes('connection.tune-ok'))
      await rig.stop()
      void done
    })
  }

  it('A11 refuses a vhost outside the allowed ones, whether it exists or not, in the same words', async () => {
    const texts = []
    for (const virtualHost of ['/forbidden', '/absent', '/a/', '/A', '']) {
      const rig = await Rig.open({ vhosts: { allowed: ['/a', '/b'] } })
      rig.write(PROTOCOL_HEADER)
      await rig.client.method('connection.start')
      rig.send('connection.start-ok', START_OK)
      rig.send('connection.tune-ok', (await rig.client.method('connection.tune')).fields)
      rig.send('connection.open', { virtualHost, reserved2: false })
      const { fields } = await rig.client.method('connection.close')
      texts.push(`${fields.replyCode} ${fields.replyText}`)
      await rig.stop()
    }
    assert.deepEqual([...new Set(texts)], ['530 NOT_ALLOWED - this vhost is not open to you'])
  })

  it('overwrites what the client put into start-ok, where it stood', async () => {
    const rig = await Rig.open()
    rig.write(PROTOCOL_HEADER)
    await rig.client.method('connection.start')
    const { methodFrame } = await import('../../../../../proxy/codec/method.ts')
    const message = methodFrame(0, 'connection.start-ok', { ...START_OK, response: Buffer.from('\0joe\0CANARY') })

    rig.session.receive(message)

    assert.ok(!message.includes('CANARY'))
    await rig.stop()
  })

  it('A8 never offers ANONYMOUS to the broker, and gives up where nothing else is to be had', async () => {
    const rig = await Rig.open({ script: { mechanisms: 'ANONYMOUS' } })
    rig.write(PROTOCOL_HEADER)
    await rig.client.method('connection.start')
    rig.send('connection.start-ok', START_OK)

    assert.equal((await rig.client.method('connection.close')).fields.replyCode, 403)
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 1011)
    assert.match((await rig.ended).detail, /offers ANONYMOUS/)
    assert.deepEqual(rig.broker.record.names(), [])
    rig.broker.close()
  })

  it('A7 gives up on a broker that challenges', async () => {
    const rig = await Rig.open({
      script: {
        on: (frame, broker) => {
          if (frame.name !== 'connection.start-ok') return false
          broker.send('connection.secure', { challenge: Buffer.from('?') })
          return true
        },
      },
    })
    rig.handshake().catch(() => undefined)

    assert.equal((await rig.client.method('connection.close')).fields.replyCode, 403)
    await rig.stop()
  })

  it('tells a client whom the broker refuses so, in words of its own', async () => {
    const on: BrokerScript['on'] = (frame, broker) => {
      if (frame.name !== 'connection.start-ok') return false
      broker.send('connection.close', {
        replyCode: 403,
        replyText: "ACCESS_REFUSED - user 'smithj' at rabbit@host",
        classId: 0,
        methodId: 0,
      })
      return true
    }
    const rig = await Rig.open({ script: { on } })
    rig.handshake().catch(() => undefined)

    const { fields } = await rig.client.method('connection.close')

    assert.equal(fields.replyText, 'ACCESS_REFUSED - the broker refused the connection')
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 1011)
    const end = await rig.ended
    assert.deepEqual([end.by, end.reason], ['broker', 'broker-refused'])
    assert.match(end.detail, /user 'smithj' at rabbit@host/)
    rig.broker.close()
  })

  it('gives a client its start before it tells it that no broker answers', async () => {
    const rig = await Rig.open({ port: 1 })
    rig.write(PROTOCOL_HEADER)

    const start = await rig.client.method('connection.start')
    assert.deepEqual(
      start.fields.serverProperties.map((entry) => entry.key),
      ['capabilities', 'product', 'platform'],
    )
    rig.send('connection.start-ok', { ...START_OK, clientProperties: [] })
    const { fields } = await rig.client.method('connection.close')
    assert.equal(fields.replyCode, 541)
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 1013)
    assert.match((await rig.ended).detail, /amqp:\/\/127\.0\.0\.1:1: /)
    rig.broker.close()
  })

  it('refuses in band without dialling anybody', async () => {
    const rig = await Rig.open({
      refusal: { code: 'access-refused', explanation: 'wrong user or password', closeCode: 4401 },
    })
    rig.write(PROTOCOL_HEADER)
    await rig.client.method('connection.start')
    rig.send('connection.start-ok', START_OK)

    const { fields } = await rig.client.method('connection.close')

    assert.deepEqual([fields.replyCode, fields.replyText], [403, 'ACCESS_REFUSED - wrong user or password'])
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 4401)
    assert.equal(rig.broker.connections, 0)
    rig.broker.close()
  })

  it('drops a refused client that says anything but the handshake', async () => {
    const rig = await Rig.open({ refusal: { code: 'access-refused', explanation: 'no', closeCode: 4401 } })
    rig.write(PROTOCOL_HEADER)
    await rig.client.method('connection.start')

    rig.content(FRAME_HEADER, 1, Buffer.alloc(14))

    assert.equal((await rig.closed).code, 4401)
    rig.broker.close()
  })

  it('D3 ends a handshake that takes too long, whoever is slow', async () => {
    const silentClient = await Rig.open({ limits: { handshakeMs: 60 } })
    assert.equal((await silentClient.closed).code, 1008)
    const end = await silentClient.ended
    assert.deepEqual([end.reason, end.detail], ['handshake-timeout', 'still in phase header at the deadline'])
    silentClient.broker.close()

    const silentBroker = await Rig.open({ limits: { handshakeMs: 60 }, script: { mute: true } })
    silentBroker.write(PROTOCOL_HEADER)
    await silentBroker.client.method('connection.start')
    silentBroker.vanish()
    const { reason, failure } = await silentBroker.ended
    assert.deepEqual([reason, failure], ['broker-unavailable', 'timeout'])
    silentBroker.broker.close()
  })

  it('A5 A6 A15 refuses methods out of order with 503, content with 505, other channels with 504, and server methods with 503', async () => {
    const cases: [string, number, (rig: Rig) => void][] = [
      ['tune-ok first', 503, (rig) => rig.send('connection.tune-ok', { channelMax: 1, frameMax: 4096, heartbeat: 0 })],
      ['secure-ok', 503, (rig) => rig.send('connection.secure-ok', { response: Buffer.from('x') })],
      ['content', 505, (rig) => rig.content(FRAME_HEADER, 0, Buffer.alloc(14))],
      ['channel 1', 504, (rig) => rig.send('connection.start-ok', START_OK, 1)],
      ['a server method', 503, (rig) => rig.send('connection.tune', { channelMax: 1, frameMax: 4096, heartbeat: 0 })],
      ['an unknown method', 540, (rig) => rig.content(1, 0, Buffer.from([0, 10, 0, 99]))],
      ['a frame of another type', 501, (rig) => rig.write(Buffer.from([4, 0, 0, 0, 0, 0, 0, 0xce]))],
      ['a frame too large', 501, (rig) => rig.write(Buffer.from([1, 0, 0, 0, 1, 0, 0]))],
    ]
    for (const [what, replyCode, act] of cases) {
      const rig = await Rig.open()
      rig.write(PROTOCOL_HEADER)
      await rig.client.method('connection.start')
      act(rig)
      assert.equal((await rig.client.method('connection.close')).fields.replyCode, replyCode, what)
      rig.send('connection.close-ok', {})
      assert.equal((await rig.closed).code, 1002, what)
      assert.deepEqual(rig.broker.record.names(), [], what)
      rig.broker.close()
    }
  })
})

describe('connection.update-secret', () => {
  it('A14 is answered by the gateway and never reaches the broker', async () => {
    const secrets: string[] = []
    const rig = await Rig.relaying({
      renew: async (secret) => {
        secrets.push(secret.toString())
        return { renewed: true }
      },
    })

    rig.send('connection.update-secret', { newSecret: Buffer.from('CANARY-token'), reason: 'expiring' })

    await rig.client.method('connection.update-secret-ok')
    assert.deepEqual(secrets, ['CANARY-token'])
    assert.ok(!rig.broker.record.bytes.includes('CANARY-token'))
    await rig.stop()
  })

  it('that proves nothing ends the connection with 530', async () => {
    const renewals = [
      undefined,
      async () => ({ renewed: false, detail: 'x' }) as const,
      async () => Promise.reject(new Error('no')),
    ]
    for (const renew of renewals) {
      const rig = await Rig.relaying(renew ? { renew } : {})
      rig.send('connection.update-secret', { newSecret: Buffer.from('x'), reason: '' })
      const { fields } = await rig.client.method('connection.close')
      assert.deepEqual([fields.replyCode, fields.classId, fields.methodId], [530, 10, 70])
      await rig.stop()
    }
  })
})

describe('ConnectionFault', () => {
  it('keeps its reply text within 255 bytes, at a character boundary', () => {
    const fault = new ConnectionFault('not-allowed', 'é'.repeat(300))

    assert.ok(Buffer.byteLength(fault.replyText) <= 255)
    assert.ok(!fault.replyText.includes('\uFFFD'))
  })
})
