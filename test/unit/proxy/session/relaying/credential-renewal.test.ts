/** Secrets of the broker leg that change in mid-session: `connection.update-secret`, its answers, its deadlines. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { BrokerCredential, CredentialRenewal } from '../../../../../proxy/index.ts'
import { BROKER_USER, Rig } from '../../../../support/session-rig.ts'
import { until } from '../../../../support/until.ts'

const secret = (text: string, renewal?: CredentialRenewal): BrokerCredential => ({
  username: BROKER_USER,
  mechanisms: ['PLAIN'],
  response: () => Buffer.from(`\0${BROKER_USER}\0${text}`),
  secret: () => Buffer.from(text),
  ...(renewal ? { renewal } : {}),
})

const renewal = (dueInMs: number, expiresInMs: number, next: CredentialRenewal['next']): CredentialRenewal => ({
  dueAtMs: Date.now() + dueInMs,
  expiresAtMs: Date.now() + expiresInMs,
  next,
})

const shown = (rig: Rig): string[] =>
  rig.broker.record.frames
    .filter(({ name }) => name === 'connection.update-secret')
    .map(({ fields }) => String(fields['newSecret']))

describe('a fresh secret for the broker', () => {
  it('is shown by connection.update-secret, and its answer stays at the gateway', async () => {
    const rig = await Rig.relaying({}, 1)
    const fresh = secret('CANARY-fresh')
    const handed: Buffer[] = []

    const renewed = rig.session.renewBroker({
      ...fresh,
      secret: () => {
        const bytes = Buffer.from('CANARY-fresh')
        handed.push(bytes)
        return bytes
      },
    })

    const { fields } = await rig.broker.record.method('connection.update-secret')
    assert.equal(fields.newSecret.toString(), 'CANARY-fresh')
    rig.broker.send('connection.update-secret-ok', {})
    await renewed
    assert.deepEqual([...(handed[0] ?? [])], Array(12).fill(0))
    rig.broker.send('channel.flow', { active: true }, 1)
    await rig.client.method('channel.flow')
    assert.ok(!rig.client.names().includes('connection.update-secret-ok'))
    assert.ok(!rig.client.bytes.includes('CANARY-fresh'))
    await rig.stop()
  })

  it('is shown one at a time, the newest after the one under way', async () => {
    const rig = await Rig.relaying()
    const first = rig.session.renewBroker(secret('first'))
    const second = rig.session.renewBroker(secret('second'))
    const third = rig.session.renewBroker(secret('third'))
    await rig.broker.record.method('connection.update-secret')
    assert.deepEqual(shown(rig), ['first'])

    rig.broker.send('connection.update-secret-ok', {})
    await first
    await rig.broker.record.method('connection.update-secret')
    rig.broker.send('connection.update-secret-ok', {})

    await Promise.all([second, third])
    assert.deepEqual(shown(rig), ['first', 'third'])
    await rig.stop()
  })

  it('of another user, too large for a frame, of no kind, or too late is not shown', async () => {
    const early = await Rig.open()
    const never = assert.rejects(early.session.renewBroker(secret('x')), /has ended/)
    await early.stop()
    await never
    const rig = await Rig.relaying()
    await assert.rejects(rig.session.renewBroker({ ...secret('x'), username: 'mallory' }), /another broker user/)
    await assert.rejects(rig.session.renewBroker(secret('x'.repeat(131_072))), /too many/)
    const { secret: _, ...external } = secret('x')
    await assert.rejects(rig.session.renewBroker(external), /no secret/)
    rig.vanish()
    await assert.rejects(rig.session.renewBroker(secret('x')), /has ended/)
    assert.deepEqual(shown(rig), [])
    rig.broker.close()
    await rig.ended
  })

  it('brought before the session is open is shown when it is', async () => {
    const rig = await Rig.open()
    const shownLater = rig.session.renewBroker(secret('early'))
    await rig.handshake()
    const { fields } = await rig.broker.record.method('connection.update-secret')
    assert.equal(fields.newSecret.toString(), 'early')
    rig.broker.send('connection.update-secret-ok', {})
    await shownLater
    await rig.stop()
  })

  it('that the broker refuses ends the session; the client does not learn why', async () => {
    const rig = await Rig.relaying()
    const renewed = assert.rejects(rig.session.renewBroker(secret('bad')))
    await rig.broker.record.method('connection.update-secret')

    rig.broker.send('connection.close', {
      replyCode: 530,
      replyText: 'NOT_ALLOWED - New secret was refused by one of the backends',
      classId: 10,
      methodId: 70,
    })

    const { fields } = await rig.client.method('connection.close')
    assert.deepEqual(
      [fields.replyCode, fields.replyText],
      [320, 'CONNECTION_FORCED - the access to the broker could not be renewed'],
    )
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 1013)
    const end = await rig.ended
    assert.deepEqual([end.by, end.reason, end.failure], ['broker', 'renewal-failed', 'secret-refused'])
    assert.match(end.detail, /530 NOT_ALLOWED - New secret was refused/)
    await renewed
    rig.broker.close()
  })

  it('under way when the broker shuts down is not what ended the session', async () => {
    const rig = await Rig.relaying()
    const renewed = assert.rejects(rig.session.renewBroker(secret('x')), /the session has ended/)
    await rig.broker.record.method('connection.update-secret')
    const shutdown = {
      replyCode: 320,
      replyText: "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
    }
    rig.broker.send('connection.close', { ...shutdown, classId: 0, methodId: 0 })
    await rig.client.method('connection.close')
    rig.send('connection.close-ok', {})
    assert.equal((await rig.ended).reason, 'broker-closed')
    await renewed
    rig.broker.close()
  })

  it('answered without having been shown is the broker’s fault', async () => {
    const rig = await Rig.relaying()
    rig.broker.send('connection.update-secret-ok', {})
    await rig.client.method('connection.close')
    rig.send('connection.close-ok', {})
    assert.equal((await rig.ended).reason, 'broker-fault')
    rig.broker.close()
  })

  it('brought by the client is confirmed to it when the broker has it', async () => {
    const order: string[] = []
    const rig: Rig = await Rig.relaying({
      renew: async (bytes) => {
        await rig.session.renewBroker(secret(bytes.toString()))
        order.push('broker')
        return { renewed: true }
      },
    })
    rig.send('connection.update-secret', { newSecret: Buffer.from('token-2'), reason: 'expiring' })
    const { fields } = await rig.broker.record.method('connection.update-secret')
    assert.equal(fields.newSecret.toString(), 'token-2')
    assert.ok(!rig.client.names().includes('connection.update-secret-ok'))

    rig.broker.send('connection.update-secret-ok', {})

    await rig.client.method('connection.update-secret-ok')
    assert.deepEqual(order, ['broker'])
    await rig.stop()
  })
})

describe('a secret that expires', () => {
  /** Takes every secret. */
  const takes = {
    on: (
      { name }: { name: string | undefined },
      broker: { send(name: 'connection.update-secret-ok', fields: object): void },
    ) => {
      if (name !== 'connection.update-secret') return false
      broker.send('connection.update-secret-ok', {})
      return true
    },
  }

  it('is renewed before its end, again and again', async () => {
    const next = (n: number): BrokerCredential =>
      secret(`token-${n}`, n < 4 ? renewal(40, 4_000, async () => next(n + 1)) : undefined)
    const rig = await Rig.relaying({ credential: next(1), script: takes })

    await until(() => shown(rig).length === 3, 'three renewals')

    assert.deepEqual(shown(rig), ['token-2', 'token-3', 'token-4'])
    await rig.stop()
  })

  it('is asked for again when there is none, and taken when there is', async () => {
    let asked = 0
    const credential = secret(
      'token-1',
      renewal(20, 2_000, async () => {
        asked++
        if (asked < 3) throw new Error('the token endpoint is away')
        return secret('token-2')
      }),
    )
    const rig = await Rig.relaying({ credential })
    const { fields } = await rig.broker.record.method('connection.update-secret')
    assert.equal(fields.newSecret.toString(), 'token-2')
    assert.equal(asked, 3)
    rig.broker.send('connection.update-secret-ok', {})
    await rig.stop()
  })

  for (const [what, next] of [
    ['cannot be had', () => Promise.reject(new Error('the token endpoint is away'))],
    ['is another user’s', () => Promise.resolve({ ...secret('x'), username: 'mallory' })],
  ] as const) {
    it(`ends the session at its end when the next one ${what}`, async () => {
      const rig = await Rig.relaying({ credential: secret('token-1', renewal(20, 300, next)) })

      const { fields } = await rig.client.method('connection.close')

      assert.equal(fields.replyText, 'CONNECTION_FORCED - the access to the broker could not be renewed')
      rig.send('connection.close-ok', {})
      const end = await rig.ended
      assert.deepEqual([end.by, end.reason, end.failure], ['gateway', 'renewal-failed', 'secret-expired'])
      assert.match(end.detail, /the token endpoint is away|another broker user/)
      assert.ok(end.durationMs >= 250)
      assert.deepEqual(shown(rig), [])
      rig.broker.close()
    })
  }

  it('is followed from the one that the client has brought, once there is one', async () => {
    const gone = async () => Promise.reject(new Error('the token that this one was made of has ended'))
    const rig = await Rig.relaying({ credential: secret('token-1', renewal(100, 300, gone)), script: takes })

    await rig.session.renewBroker(
      secret(
        'brought',
        renewal(500, 60_000, async () => secret('its next')),
      ),
    )

    await until(() => shown(rig).length === 2, 'the next one')
    assert.deepEqual(shown(rig), ['brought', 'its next'])
    assert.equal(rig.session.isEnding, false)
    await rig.stop()
  })

  it('is followed by none where the one that the client has brought is not', async () => {
    const gone = async () => Promise.reject(new Error('the token that this one was made of has ended'))
    const rig = await Rig.relaying({ credential: secret('token-1', renewal(50, 200, gone)), script: takes })
    await rig.session.renewBroker(secret('brought'))
    const startedMs = performance.now()
    await until(() => performance.now() - startedMs > 300)
    assert.equal(rig.session.isEnding, false)
    await rig.stop()
  })

  it('is not shown any more where the client has brought one while it was asked for', async () => {
    let answer: (credential: BrokerCredential) => void = () => {}
    const slow = async () =>
      new Promise<BrokerCredential>((resolve) => {
        answer = resolve
      })
    const asked = { count: 0 }
    const next = async () => {
      asked.count++
      return await slow()
    }
    const rig = await Rig.relaying({ credential: secret('token-1', renewal(20, 60_000, next)), script: takes })
    await until(() => asked.count === 1, 'the question')
    await rig.session.renewBroker(secret('brought', renewal(60_000, 120_000, slow)))
    answer(secret('late'))
    await nextTurn()
    await rig.session.renewBroker(secret('brought again'))
    assert.deepEqual(shown(rig), ['brought', 'brought again'])
    await rig.stop()
  })

  it('beyond the reach of timers is not renewed at once', async () => {
    let asked = 0
    const far = 30 * 86_400_000
    const next = async () => {
      asked++
      return secret('x')
    }
    const rig = await Rig.relaying({ credential: secret('token-1', renewal(far, far + 1000, next)) }, 1)
    rig.broker.send('channel.flow', { active: true }, 1)
    await rig.client.method('channel.flow')
    assert.equal(asked, 0)
    await rig.stop()
  })

  it('leaves no timer behind', async () => {
    let asked = 0
    const next = async () => {
      asked++
      return secret('x')
    }
    const rig = await Rig.relaying({ credential: secret('token-1', renewal(60, 1000, next)) })
    await rig.stop()
    const startedMs = performance.now()
    await until(() => performance.now() - startedMs > 120)
    assert.equal(asked, 0)
  })
})

describe('a broker that does not answer in the handshake', () => {
  it('is away, not the client late', async () => {
    const rig = await Rig.open({ script: { mute: true }, limits: { handshakeMs: 150 } })
    rig.write(Buffer.from('AMQP\0\0\x09\x01', 'latin1'))

    await rig.client.method('connection.start')
    rig.send('connection.start-ok', { clientProperties: [], mechanism: 'PLAIN', response: Buffer.alloc(0), locale: '' })

    const { fields } = await rig.client.method('connection.close')
    assert.equal(fields.replyCode, 541)
    rig.send('connection.close-ok', {})
    assert.equal((await rig.closed).code, 1013)
    const end = await rig.ended
    assert.deepEqual([end.reason, end.failure], ['broker-unavailable', 'timeout'])
    assert.match(end.detail, /^amqp:\/\/127\.0\.0\.1:\d+: no answer in phase start/)
    rig.broker.close()
  })
})
