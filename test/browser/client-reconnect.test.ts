/**
 * The unmodified client's session object at a fixed URL, with its ticket in a cookie: it comes back by itself when the
 * broker was killed and when the broker was restarted, and what was confirmed is there.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type ClientPage, startClientPage } from '../support/client-page.ts'
import { PASSWORD } from '../support/door.ts'
import { type LiveGateway, privateBroker, settleOnDisk, startLiveGateway } from '../support/live-gateway.ts'
import { until } from '../support/until.ts'

interface Heard {
  readonly received: number[]
  readonly confirmed: number[]
  readonly failed: number[]
  readonly events: string[]
}

describe('AMQPSession in a browser', () => {
  let page: ClientPage
  let live: LiveGateway
  before(async () => {
    page = await startClientPage()
    live = await startLiveGateway({ broker: await privateBroker(), origins: [page.origin] })
    await page.load(live)
  })
  after(async () => {
    assert.deepEqual(page.errors, [])
    await page.stop()
    await live.stop()
  })

  const told = () => page.call<Heard>('told')
  const connects = async () => (await told()).events.filter((event) => event === 'connected').length

  it('connects with a ticket that is in no URL', async () => {
    await page.call('startSession', 'joe.smith', PASSWORD, 'work')
    assert.deepEqual((await told()).events, ['ticket 200', 'connected'])
    await page.call('publish', 'work', 0, 50)
    await until(async () => (await told()).received.length === 50, 'fifty messages')
    await settleOnDisk(live.broker)
  })

  for (const [how, signal] of [
    ['killed', 'SIGKILL'],
    ['shut down', 'SIGTERM'],
  ] as const) {
    it(`comes back by itself when the broker was ${how}, and goes on consuming`, async () => {
      const before = await connects()
      const first = (await told()).events.length

      await live.broker.rabbit.halt(signal)
      await until(async () => (await told()).events[first]?.startsWith('disconnected: '), 'the page heard of it')
      const [heard = ''] = (await told()).events.slice(first)
      assert.match(heard, /^disconnected: connection closed: CONNECTION_FORCED - .* \(320\)$/)
      await live.broker.rabbit.restart()
      await until(async () => (await connects()) === before + 1, 'a new connection', 20_000)

      const next = (await told()).confirmed.length + (await told()).failed.length
      const { confirmed } = await page.call<Heard>('publish', 'work', next, next + 50)
      assert.deepEqual(
        confirmed.slice(-50),
        Array.from({ length: 50 }, (_, n) => next + n),
      )
      await until(async () => new Set((await told()).received).size === confirmed.length, 'everything confirmed')
    })
  }

  it('was refused in band while the broker was away, and took a new ticket for each attempt', async () => {
    const away = live.lines.filter((line) => line['reason'] === 'broker-unavailable').length
    const { events } = await told()
    const tickets = events.filter((event) => event === 'ticket 200').length
    const opened = live.lines.filter((line) => line['event'] === 'session-opened').length
    assert.equal(opened, 3)
    assert.ok(away > 0)
    assert.ok(tickets >= opened + away, `${tickets} tickets, ${opened} sessions, ${away} attempts in vain`)
  })

  /** What the page noted from the moment on that `act` ended its session, until it was back. */
  async function outBy(act: () => unknown): Promise<{ readonly events: readonly string[]; readonly outMs: number }> {
    const [before, first] = [await connects(), (await told()).events.length]
    const startedAtMs = performance.now()
    await act()
    await until(async () => (await connects()) === before + 1, 'a new connection', 60_000)
    const outMs = performance.now() - startedAtMs
    return { events: (await told()).events.slice(first), outMs }
  }

  for (const [what, act, said, cause] of [
    [
      'kicked with a hold',
      () => live.gateway.kick({ match: { subject: 'joe.smith' }, hold: '3s', reason: 'a new contract' }),
      /^disconnected: connection closed: CONNECTION_FORCED - a new contract \(320\)$/,
      'held',
    ],
    [
      'blocked',
      () => live.gateway.block({ subject: 'joe.smith', for: '3s', reason: 'a new contract' }),
      /^disconnected: connection closed: CONNECTION_FORCED - .*\(320\)$/,
      'blocked',
    ],
  ] as const) {
    it(`is out until the time is over when it is ${what}, and comes back by itself`, async () => {
      const { events, outMs } = await outBy(act)

      assert.match(events[0] ?? '', said)
      assert.ok(outMs >= 3_000, `back after ${outMs} ms`)
      assert.ok(events.filter((event) => event === 'ticket 403').length > 2, 'each attempt was told no')
      assert.ok(live.lines.some((line) => line['cause'] === cause))
      const [again] = events.filter((event) => event === 'ticket 200')
      assert.ok(again !== undefined)
      assert.equal(events.filter((event) => event === 'connected').length, 1)
    })
  }

  it('stops', async () => {
    await page.call('stopSession')
    await until(() => live.gateway.sessionCount === 0, 'no session left')
  })
})
