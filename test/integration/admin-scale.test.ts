/**
 * The management API with many sessions: exact counts under churn, and, by `npm run test:admin`, how quick it is. The suite runs
 * it small and looks at counts only, as its machine may be busy.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AmqplibConnection, connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { basic, type Door } from '../support/door.ts'
import { call, startManaged } from '../support/managed.ts'
import { until, within } from '../support/until.ts'

const SESSIONS = Number(process.env['ADMIN_SESSIONS'] ?? 60)
const KICKS = Number(process.env['ADMIN_KICKS'] ?? 100)
/** Whether the times count, too. */
const IS_TIMED = process.env['ADMIN_TIMED'] !== undefined
const LISTINGS = IS_TIMED ? 500 : 20
const AT_ONCE = 8

const kick = async (door: Door) => {
  const body = { match: { subject: 'joe.smith' }, hold: '0s', reason: 'a test' }
  const { json } = await call(door, 'POST /api/v1/kick', { as: 'operator', body })
  return json as { matched: number; ended: number }
}

async function joe(door: Door): Promise<AmqplibConnection> {
  const client = await connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() } } })
  client.connection.on('error', () => undefined)
  return client
}

/** So many at a time. */
async function many<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = []
  const next = async (): Promise<void> => {
    for (; made.length < count; made.push(await make())) if (made.length + AT_ONCE > count) break
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next))
  while (made.length < count) made.push(await make())
  return made
}

describe('the management API with many sessions', () => {
  it('lists a page quickly, and ends all of one person at once', async (t) => {
    const door = await startManaged(t)
    const clients = await many(SESSIONS, () => joe(door))
    const times: number[] = []
    for (let time = 0; time < LISTINGS; time += 1) {
      const startedAtMs = performance.now()
      const { json } = await call(door, 'GET /api/v1/sessions?sort=-openedAt&pageSize=100', { as: 'viewer' })
      times.push(performance.now() - startedAtMs)
      assert.equal(json['total'], clients.length)
    }
    const p99 = times.sort((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? 0

    const startedAtMs = performance.now()
    const { matched, ended } = await kick(door)
    assert.deepEqual([matched, ended], [clients.length, clients.length])
    await within(Promise.all(clients.map(({ closed }) => closed)), 'the last frame', 60_000)
    const goneMs = performance.now() - startedAtMs

    t.diagnostic(`${clients.length} sessions: a page p99 ${p99.toFixed(1)} ms; kicked in ${goneMs.toFixed(0)} ms`)
    if (!IS_TIMED) return
    assert.ok(p99 <= 20, `a page within 20 ms, p99 was ${p99}`)
    assert.ok(goneMs <= 1_000, `the last frame within 1 s, was ${goneMs} ms`)
  })

  it('counts each kick once while clients come back all the time', async (t) => {
    const door = await startManaged(t)
    let begun = 0
    const comeBack = async (): Promise<void> => {
      while (begun < KICKS) {
        begun += 1
        // A kick also reaches those that are still being opened.
        const client = await joe(door).catch(() => undefined)
        await client?.closed
      }
    }
    const clients = Promise.all(Array.from({ length: AT_ONCE }, comeBack)).then(() => 'gone' as const)
    while ((await Promise.race([clients, kick(door)])) !== 'gone') {}
    assert.equal(begun, KICKS)
    await until(() => door.gateway.sessionCount === 0, 'no session left')
    const ended = door.lines
      .filter((line) => line['event'] === 'admin.kick' && line['outcome'] === 'done')
      .reduce((sum, line) => sum + Number(line['count']), 0)
    assert.equal(ended, KICKS)
  })
})
