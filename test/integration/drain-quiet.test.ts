/** A drain of sessions at work, with a real broker: nobody loses anything, and who never acknowledges costs `quiet`. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { basic } from '../support/door.ts'
import { assertSentAway, DrainLoad } from '../support/drain-load.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { until } from '../support/until.ts'

/** On a machine at work, an answer may be late. */
const QUIET = '10s'
const HEADERS = { authorization: basic('ada') }

describe('a drain of sessions at work', () => {
  let live: LiveGateway
  before(async () => {
    live = await startLiveGateway({
      service: { limits: { handshakesPerAddress: 100 } },
      drain: { over: '0s', quiet: '1s' },
    })
  })
  after(() => live.stop())

  const brokerUrl = () => live.broker.addressFor(live.broker.rabbit.admin)
  const drained = async (at: string): Promise<number> => {
    const page = await (await fetch(`${live.gateway.adminAddress?.url}/metrics`)).text()
    return Number(new RegExp(`gatehouse_drained_total\\{at="${at}"\\} (\\d+)`).exec(page)?.[1] ?? 0)
  }

  it('ends them at quiet points: confirmed is stored, no frame is cut, nothing comes again', async (t) => {
    const load = await DrainLoad.open(
      { url: live.url(), headers: HEADERS },
      { busy: 20, idle: 20, 'never acknowledges': 0 },
    )
    t.after(() => load.stop())
    await until(
      () => load.clients.every(({ habit, confirmed }) => habit === 'idle' || confirmed.size > 10),
      'traffic',
      60_000,
    )

    load.begins()
    const over = live.gateway.drain({ over: '2s', quiet: QUIET })
    await load.isOver()
    await over
    live.gateway.undrain()

    assertSentAway(load)
    const { confirmed, lost, redelivered, cut } = await load.report(brokerUrl())
    assert.ok(confirmed > 200)
    assert.deepEqual({ lost, redelivered, cut }, { lost: 0, redelivered: 0, cut: 0 })
    assert.deepEqual([await drained('quiet'), await drained('deadline')], [40, 0])
  })

  it('D50 waits for who never acknowledges as long as it says, and for nobody else', async (t) => {
    const load = await DrainLoad.open(
      { url: live.url(), headers: HEADERS },
      { busy: 5, idle: 5, 'never acknowledges': 1 },
      2,
    )
    t.after(() => load.stop())
    await until(
      () => load.clients.every(({ habit, confirmed }) => habit === 'idle' || confirmed.size > 5),
      'traffic',
      60_000,
    )
    const before = await drained('quiet')

    load.begins()
    const over = live.gateway.drain({ over: '0s', quiet: '3s' })
    await load.isOver()
    await over
    live.gateway.undrain()

    assertSentAway(load)
    const stubborn = load.clients.find(({ habit }) => habit === 'never acknowledges')
    assert.ok(stubborn !== undefined && stubborn.endedMs >= 2_700 && stubborn.endedMs < 5_000, `${stubborn?.endedMs}`)
    const { lost, redelivered, cut } = await load.report(brokerUrl())
    assert.deepEqual({ lost, redelivered, cut }, { lost: 0, redelivered: 0, cut: 0 })
    assert.deepEqual([(await drained('quiet')) - before, await drained('deadline')], [10, 1])
  })
})
