/** Requests that the broker does not answer: so many are kept in the books, and the client's next one waits. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { methodFrame } from '../../proxy/codec/method.ts'
import { QueueNames } from '../../proxy/filters/track/queue-names.ts'
import { Rig, type RigOptions } from '../support/session-rig.ts'
import { until } from '../support/until.ts'

const AWAITED_MAX = 4096
const OWNED_MAX = 4096

/** Answers nothing but what opens and closes. */
const silent: RigOptions = { script: { on: ({ name }) => name === 'queue.declare' } }

const declares = (from: number, count: number, noWait = false): Buffer =>
  Buffer.concat(
    Array.from({ length: count }, (_, at) =>
      methodFrame(1, 'queue.declare', {
        queue: `q${from + at}`,
        passive: false,
        durable: false,
        exclusive: false,
        autoDelete: false,
        noWait,
        arguments: [],
      }),
    ),
  )

const arrived = (rig: Rig): number => rig.broker.record.frames.filter(({ name }) => name === 'queue.declare').length

function answer(rig: Rig, from: number, count: number): void {
  const answers = Array.from({ length: count }, (_, at) =>
    methodFrame(1, 'queue.declare-ok', { queue: `q${from + at}`, messageCount: 0, consumerCount: 0 }),
  )
  rig.broker.write(Buffer.concat(answers))
}

describe('requests that the broker does not answer', () => {
  for (const noWait of [false, true]) {
    const kind = noWait ? 'whose answer the client does not want' : 'whose answer the client wants'
    it(`are 4,096 at most, ${kind}; the next one waits for an answer, and nobody reads on`, async () => {
      const rig = await Rig.relaying(silent, 1)
      rig.write(declares(0, AWAITED_MAX + 10, noWait))
      await until(() => arrived(rig) === AWAITED_MAX, 'as many as are kept')
      assert.equal(rig.paused, true)

      answer(rig, 0, 3)
      await until(() => arrived(rig) === AWAITED_MAX + 3, 'one more for each answer')
      assert.equal(rig.paused, true)

      answer(rig, 3, AWAITED_MAX)
      await until(() => arrived(rig) === AWAITED_MAX + 10, 'all of them')
      await until(() => !rig.paused, 'the client is read again')
      answer(rig, AWAITED_MAX + 3, 7)
      await until(
        () =>
          rig.client.names().filter((name) => name === 'queue.declare-ok').length === (noWait ? 0 : AWAITED_MAX + 10),
        'the answers that the client wants',
      )
      await rig.stop()
    })
  }

  it('go with their channel, which the broker closes: the next one waits no more', async () => {
    const rig = await Rig.relaying(silent, 1, 2)
    rig.write(declares(0, AWAITED_MAX + 1))
    await until(() => arrived(rig) === AWAITED_MAX, 'as many as are kept')
    rig.broker.send('channel.close', { replyCode: 404, replyText: 'NOT_FOUND', classId: 50, methodId: 10 }, 1)
    await rig.client.method('channel.close')
    await until(() => !rig.paused, 'the client is read again')
    assert.equal(arrived(rig), AWAITED_MAX, 'what stood behind them was for a closed channel')
    await rig.stop()
  })

  it('leave the session without them when the client goes', async () => {
    const rig = await Rig.relaying(silent, 1)
    rig.write(declares(0, AWAITED_MAX + 1))
    await until(() => rig.paused, 'the client has to wait')
    await rig.stop()
  })
})

describe('queues that the broker has named for a session', () => {
  it('are 4,096 at most: the right to use the oldest is forgotten', () => {
    const queues = new QueueNames()
    for (let at = 0; at <= OWNED_MAX; at++) queues.declared(queues.declare(1, ''), `amq.gen-${at}`)
    assert.deepEqual(
      ['amq.gen-0', 'amq.gen-1', `amq.gen-${OWNED_MAX}`].map((name) => queues.owns(name)),
      [false, true, true],
    )
  })
})
