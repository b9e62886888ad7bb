/** A promotion rule that refuses: its text reaches the client by HTTP and in band, and a reload ends who is refused now. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import { type ConfigInput, startGateway } from '../../src/index.ts'
import { connectAmqplib, HandshakeRefused } from '../support/amqplib-over-websocket.ts'
import { basic, type LogLine, ORIGIN, PASSWORD, sendRaw, startDoor, upgradeRequest } from '../support/door.ts'
import { startFakeBroker } from '../support/fake-broker.ts'
import { until, within } from '../support/until.ts'

const TEXT = 'ask the desk – 2nd floor'
const websocket = { headers: { authorization: basic() } }

describe('a rule that refuses', () => {
  it('says so by HTTP and in band, with its text', async (t) => {
    const promote = [{ when: { subject: 'joe.smith' }, refuse: TEXT }, { to: 'smithj' }]
    const door = await startDoor({ service: { promote } }, t)

    const { status, body, socket } = await sendRaw(
      door.port,
      upgradeRequest('/amqp', { more: [['Authorization', basic()]] }),
    )
    socket.destroy()
    assert.deepEqual([status, Buffer.from(body, 'latin1').toString()], [403, `${TEXT}\n`])
    const inBand = connectAmqplib(door.url(), { websocket: { ...websocket, origin: ORIGIN } })
    await assert.rejects(inBand, (error) => {
      assert.ok(error instanceof HandshakeRefused)
      assert.match(error.message, /403.*ACCESS_REFUSED - ask the desk – 2nd floor/)
      assert.equal(error.close?.code, 4403)
      return true
    })

    const line = await door.line('authorization-refused')
    assert.deepEqual(
      [line['cause'], line['detail'], line['allow']],
      ['rule-refused', `promotion rule 1 refuses: ${TEXT}`, undefined],
    )
    assert.equal((await door.line('session.refused'))['cause'], 'rule-refused')
    assert.equal(door.broker.connections.length, 0)
    await until(() => door.gateway.sessionCount === 0, 'no session left')
    await door.stop()
  })

  it('ends a live session at the reload that brings it', async (t) => {
    const broker = await startFakeBroker()
    t.after(() => broker.close())
    const password = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })
    const config = (rules: readonly object[]): ConfigInput => ({
      listen: { port: 0 },
      brokers: { main: { urls: [broker.url], credentials: { smithj: { username: 'smithj', password: 'x' } } } },
      authenticators: { staff: { type: 'basic', users: { 'joe.smith': { password } } } },
      services: [
        { path: '/amqp', broker: 'main', vhost: '/', authenticate: 'staff', promote: [...rules, { to: 'smithj' }] },
      ],
      drain: '0s',
    })
    const lines: LogLine[] = []
    const logTo = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) }
    const gateway = await startGateway(config([]), { logTo })
    t.after(() => gateway.close())
    const { closed } = await connectAmqplib(`${gateway.addresses[0]?.url}/amqp`, { websocket })

    const refusing = [{ when: { subject: 'joe.smith' }, refuse: TEXT }]
    const dry = await gateway.reload({ config: config(refusing), dryRun: true })
    assert.deepEqual(
      dry.examples?.map(({ why }) => why),
      [`promotion rule 1 refuses: ${TEXT}`],
    )
    const { sessions } = await gateway.reload({ config: config(refusing) })

    assert.deepEqual(sessions, { kept: 0, changed: 0, ended: 1 })
    assert.equal((await within(closed, 'the end of the session')).code, 4403)
    const ended = await until(() => lines.find(({ event }) => event === 'session-ended'), 'the line of its end')
    assert.deepEqual([ended['reason'], ended['replyCode']], ['configuration-changed', 320])
  })
})
