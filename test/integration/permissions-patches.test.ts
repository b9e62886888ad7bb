/**
 * Known weaknesses of brokers that are not patched: each tried straight at the broker, as a user with hardly any rights, and
 * through the gateway, over an account with all rights. Where the broker at hand has been patched, its own answer is noted
 * and the gateway's is still the one that counts.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { encodeContentHeader } from '../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame } from '../../proxy/codec/frame.ts'
import { methodFrame } from '../../proxy/codec/method.ts'
import { consume, queueBind, queueDeclare, texts } from '../support/filter-session.ts'
import { type PermissionGateway, startPermissionGateway } from '../support/permission-gateway.ts'
import { isClosed, RawClient } from '../support/raw-client.ts'
import { until } from '../support/until.ts'

/** RabbitMQ 3.10 has none of the patches. */
const isUnpatched = (): boolean => live.broker.rabbit.version.startsWith('3.10.')

let live: PermissionGateway
let direct: RawClient
let joe: RawClient

before(async () => {
  live = await startPermissionGateway({
    '/amqp': {
      permissions: [
        {
          configure: [{ queue: 'mine.*' }],
          write: [{ queue: 'mine.*' }, { exchange: 'topics', routingKey: 'mine.#' }],
          read: [{ queue: 'mine.*' }, { exchange: 'topics' }],
        },
      ],
      limits: { message: '1MiB' },
    },
  })
  await live.judge.assertExchange('topics', 'topic')
  await live.judge.assertQueue('secret')
  await live.judge.bindQueue('secret', 'topics', 'secret.#')
  await live.judge.assertQueue('mine.1')
  // What the same policy comes to in RabbitMQ's own terms.
  const user = await live.broker.user('patch', {
    permission: { configure: '^mine\\.', write: '^(mine\\.|topics$)', read: '^(mine\\.|topics$)' },
  })
  await live.broker.rabbit.management.permitTopic(user.username, live.broker.vhost, {
    exchange: 'topics',
    write: '^mine\\.',
    read: '.*',
  })
  direct = await RawClient.overTcp(live.broker, user, live.broker.vhost)
  joe = await live.connect('joe')
})

after(async () => {
  direct.close()
  await live.stop()
})

describe('virtual patches', () => {
  it('CVE-2026-57221 B15 a passive declaration is no oracle', async () => {
    const [existing, absent] = [queueDeclare('secret', { passive: true }), queueDeclare('absent', { passive: true })]
    if (isUnpatched()) {
      assert.ok(!isClosed(await direct.call('queue.declare', existing, 'queue.declare-ok')))
      const answer = await direct.call('queue.declare', absent, 'queue.declare-ok')
      assert.equal(isClosed(answer) && answer.code, 404)
    }

    const answers = [
      await joe.call('queue.declare', existing, 'queue.declare-ok'),
      await joe.call('queue.declare', absent, 'queue.declare-ok'),
    ]

    assert.deepEqual(
      answers.map((answer) => isClosed(answer) && answer.code),
      [403, 403],
    )
  })

  it('CVE-2026-57217 B1 CC keys are authorised as the routing key is', async () => {
    const properties = { headers: [{ key: 'CC', ...texts('secret.1') }] }
    if (isUnpatched()) {
      direct.publish('topics', 'mine.1', { properties })
      await until(async () => (await live.judge.checkQueue('secret')).messageCount === 1)
      await live.judge.purgeQueue('secret')
    }

    joe.publish('topics', 'mine.1', { properties })

    const verdict = await joe.verdict()
    assert.equal(isClosed(verdict) && verdict.code, 403)
    assert.equal((await live.judge.checkQueue('secret')).messageCount, 0)
  })

  it('CVE-2026-57215 CVE-2026-67238 B18 reply addresses cannot be made up', async () => {
    const forged = 'amq.rabbitmq.reply-to.g1h2AA5yZXBseUBub2RlAAAAAAAAAAAAAAAA.forged=='
    if (isUnpatched()) {
      direct.publish('', forged)
      const verdict = await direct.verdict()
      // Refused for the default exchange as a whole, or taken: never for the address.
      assert.ok(!isClosed(verdict) || /amq\.default/.test(verdict.text))
    }

    joe.publish('', forged)
    const published = await joe.verdict()
    const bound = await joe.call('queue.bind', queueBind(forged, 'topics', 'mine.x'), 'queue.bind-ok')
    const consumed = await joe.call('basic.consume', consume(forged), 'basic.consume-ok')

    assert.deepEqual(
      [published, bound, consumed].map((answer) => isClosed(answer) && answer.code),
      [403, 403, 403],
    )
  })

  it('CVE-2026-67419 D15 a binding cannot keep the broker busy', async () => {
    const bomb = new Array(9).fill('#').join('.')
    const key = new Array(13).fill('x').join('.')
    const publishTakesMs = async (): Promise<number> => {
      const beforeMs = performance.now()
      live.judge.publish('topics', key, Buffer.from('x'))
      await live.judge.checkQueue('mine.1')
      return performance.now() - beforeMs
    }
    const ordinaryMs = Math.min(await publishTakesMs(), await publishTakesMs(), await publishTakesMs())
    if (isUnpatched()) {
      assert.ok(!isClosed(await direct.call('queue.bind', queueBind('mine.1', 'topics', bomb), 'queue.bind-ok')))
      const bombedMs = await publishTakesMs()
      await live.judge.unbindQueue('mine.1', 'topics', bomb)
      await live.judge.purgeQueue('mine.1')
      assert.ok(bombedMs > 10 * ordinaryMs, `a publish took ${bombedMs} ms instead of ${ordinaryMs}`)
    }

    const bound = await joe.call('queue.bind', queueBind('mine.1', 'topics', bomb), 'queue.bind-ok')

    assert.equal(isClosed(bound) && bound.code, 403)
    assert.ok((await publishTakesMs()) < 10 * Math.max(ordinaryMs, 5))
  })

  it('CVE-2026-67235 C8 a body is no longer than its header says', async () => {
    const endless = Buffer.concat([
      methodFrame(1, 'basic.publish', { exchange: 'topics', routingKey: 'mine.1', mandatory: false, immediate: false }),
      frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: 1 })),
      frame(FRAME_BODY, 1, Buffer.alloc(100_000)),
      frame(FRAME_BODY, 1, Buffer.alloc(100_000)),
    ])
    if (isUnpatched()) {
      // The broker goes on taking it, and serves the connection's other channels.
      await direct.openChannel(2)
      direct.write(endless)
      direct.write(endless.subarray(-100_008))
      assert.equal(await direct.verdict(2), 'open')
    }
    const victim = await live.connect('victim')

    victim.write(endless)

    const answer = await victim.answer('basic.qos-ok', 0)
    assert.deepEqual(isClosed(answer) && [answer.refused, answer.code], ['connection.close', 501])
    assert.equal(await joe.verdict(), 'open')
    assert.equal((await live.judge.checkQueue('mine.1')).messageCount, 0)
  })

  it('C9 a message above the limit is refused at its header', async () => {
    joe.write(
      Buffer.concat([
        methodFrame(1, 'basic.publish', { exchange: '', routingKey: 'mine.1', mandatory: false, immediate: false }),
        frame(FRAME_HEADER, 1, encodeContentHeader({ bodySize: 2n ** 63n })),
      ]),
    )

    const verdict = await joe.verdict()

    assert.deepEqual(isClosed(verdict) && [verdict.refused, verdict.code], ['channel.close', 311])
  })
})
