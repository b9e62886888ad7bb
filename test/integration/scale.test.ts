/** Hundreds of sessions at once on one gateway: each is somebody, none is mixed with another, and none leaves a trace. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { AmqplibConnection } from '../support/amqplib-over-websocket.ts'
import { gatehouseTable, type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { watchResidue } from '../support/residue.ts'
import { until, within } from '../support/until.ts'

const SESSIONS = 300
const MESSAGES = 20
const PEOPLE = ['joe.smith', 'ada', 'bob'] as const

const descriptorCount = () => readdirSync('/dev/fd').length

/** A session with a queue of its own on the fan-out exchange, and what came to it. */
interface Member {
  readonly subject: string
  readonly client: AmqplibConnection
  readonly fromAll: string[]
  readonly fromOne: string[]
}

describe('three hundred sessions', () => {
  let live: LiveGateway
  let members: Member[]
  let descriptors: number
  let isClean: ReturnType<typeof watchResidue>
  before(async () => {
    live = await startLiveGateway({ service: { limits: { handshakesPerAddress: SESSIONS, handshake: '30s' } } })
    const judge = await live.broker.judge()
    const channel = await judge.createChannel()
    await channel.assertExchange('to-all', 'fanout')
    await channel.assertExchange('to-one', 'direct')
    await judge.close()
    assert.equal(await live.metric('gatehouse_sessions'), 0)
    descriptors = descriptorCount()
    isClean = watchResidue()
  })
  after(() => live.stop())

  async function join(at: number): Promise<Member> {
    const subject = PEOPLE[at % PEOPLE.length] ?? ''
    const client = await live.connect(subject, { deadlineMs: 30_000 })
    const member: Member = { subject, client, fromAll: [], fromOne: [] }
    const channel = await client.connection.createChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    await channel.bindQueue(queue, 'to-all', '')
    await channel.bindQueue(queue, 'to-one', `${at}`)
    const onMessage = (message: Parameters<Parameters<typeof channel.consume>[1]>[0]) => {
      const list = message?.fields.exchange === 'to-all' ? member.fromAll : member.fromOne
      list.push(String(message?.content))
    }
    await channel.consume(queue, onMessage, { noAck: true })
    return member
  }

  it('open at once, one broker connection each, as the users they are promoted to', async (test) => {
    const startedMs = performance.now()
    members = await Promise.all(Array.from({ length: SESSIONS }, (_, at) => join(at)))
    test.diagnostic(`${SESSIONS} sessions open after ${Math.round(performance.now() - startedMs)} ms`)

    assert.equal(live.gateway.sessionCount, SESSIONS)
    const rows = await until(async () => {
      const found = await live.broker.connections()
      return found.length === SESSIONS && found.every((row) => 'session' in gatehouseTable(row)) && found
    }, 'all of them in the list of the broker')
    assert.equal(new Set(rows.map(({ name }) => name)).size, SESSIONS)
    const { smithj, webuser } = live.users
    for (const row of rows) {
      const { subject } = gatehouseTable(row)
      assert.equal(row.user, subject === 'joe.smith' ? smithj.username : webuser.username)
    }
    assert.equal(new Set(rows.map((row) => gatehouseTable(row)['session'])).size, SESSIONS)
  })

  it('hear everything that is for all, in order, and nothing that is for another', async () => {
    const [first] = members
    const channel = await (first as Member).client.connection.createConfirmChannel()
    for (let n = 0; n < MESSAGES; n++) channel.publish('to-all', '', Buffer.from(`all ${n}`))
    for (const at of members.keys()) channel.publish('to-one', `${at}`, Buffer.from(`one ${at}`))
    await within(channel.waitForConfirms(), 'the confirms of the broker', 60_000)

    await until(
      () => members.every(({ fromAll, fromOne }) => fromAll.length === MESSAGES && fromOne.length === 1),
      'all messages',
    )
    const expected = Array.from({ length: MESSAGES }, (_, n) => `all ${n}`)
    for (const [at, { fromAll, fromOne }] of members.entries()) {
      assert.deepEqual(fromAll, expected)
      assert.deepEqual(fromOne, [`one ${at}`])
    }
  })

  it('end as they like, and leave no session, connection, socket or timer', async () => {
    await Promise.all(
      members.map(async ({ client }, at) => {
        if (at % 3 === 0) await client.connection.close()
        else if (at % 3 === 1) client.socket.close(1001)
        else client.socket.terminate()
        await within(client.closed, `the end of session ${at}`, 60_000)
      }),
    )

    await until(() => live.gateway.sessionCount === 0, 'no session')
    await until(async () => (await live.broker.connections()).length === 0, 'no connection at the broker')
    assert.equal(await live.metric('gatehouse_sessions'), 0)
    assert.equal(await live.metric('gatehouse_buffered_bytes'), 0)
    await isClean()
    await until(() => descriptorCount() <= descriptors, `${descriptors} file descriptors`)
    const reasons = live.lines.filter(({ event }) => event === 'session-ended').map(({ reason }) => reason)
    assert.equal(reasons.filter((reason) => reason === 'client-closed').length, SESSIONS / 3)
    assert.equal(reasons.filter((reason) => reason === 'client-lost').length, (SESSIONS * 2) / 3)
  })
})
