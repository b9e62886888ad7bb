/** A gateway in front of two broker nodes over TCP: one is killed, one falls silent. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { basic, startDoor } from '../support/door.ts'
import { startFakeBroker } from '../support/fake-broker.ts'
import { until } from '../support/until.ts'

const HEADERS = { websocket: { headers: { authorization: basic() } } }
/** Where no node is silent, a busy machine must not look like one. */
const PATIENT = { every: '1s', timeout: '5s' }
const PROBE = { every: '1s', timeout: '200ms' }

describe('two broker nodes', () => {
  it('one killed: its sessions end with 320 and 1012, the next ones go to the other, and one line tells', async (t) => {
    const other = await startFakeBroker()
    t.after(() => other.close())
    const door = await startDoor({ moreNodes: [other.url], probe: PATIENT }, t)
    const clients = [await connectAmqplib(door.url(), HEADERS), await connectAmqplib(door.url(), HEADERS)]
    const codes = clients.map(
      ({ socket, connection }) =>
        new Promise<number>((resolve) => {
          connection.on('error', () => undefined)
          socket.on('close', resolve)
        }),
    )

    await door.broker.close()

    assert.deepEqual(await Promise.all(codes), [1012, 1012])
    const away = await door.line('broker-node-away')
    assert.deepEqual(
      [away['broker'], away['node'], away['cause'], away['count']],
      ['main', door.broker.url, 'unreachable', 2],
    )
    const next = await connectAmqplib(door.url(), HEADERS)
    assert.equal(other.connections.length, 1)
    const page = await (await fetch(`${door.gateway.adminAddress?.url}/metrics`)).text()
    const sample = (name: string, node: string) =>
      page.includes(
        `gatehouse_broker_node_${name}{broker="main",node="${node}"} ${name === 'up' && node === door.broker.url ? 0 : 1}\n`,
      )
    assert.ok(sample('up', door.broker.url) && sample('up', other.url) && sample('sessions', other.url), page)
    await until(async () => (await fetch(`${door.gateway.adminAddress?.url}/health/ready`)).ok, 'to be ready')
    await next.connection.close()
    assert.equal(door.lines.filter(({ event }) => event === 'broker-node-away').length, 1)
  })

  it('one silent: the session that finds out is served by the other one, and it is taken back', async (t) => {
    const other = await startFakeBroker()
    t.after(() => other.close())
    let isSilent = true
    const greeting = {
      versionMajor: 0,
      versionMinor: 9,
      serverProperties: [],
      mechanisms: Buffer.from('PLAIN'),
      locales: Buffer.from('en_US'),
    }
    const door = await startDoor(
      {
        moreNodes: [other.url],
        probe: PROBE,
        service: { limits: { handshake: '3s' } },
        broker: {
          answers: {
            header: (connection) => {
              if (!isSilent) connection.send(0, 'connection.start', greeting)
            },
          },
        },
      },
      t,
    )
    const first = await connectAmqplib(door.url(), HEADERS)
    const away = await door.line('broker-node-away')
    assert.deepEqual([away['node'], away['cause']], [door.broker.url, 'timeout'])
    const next = await connectAmqplib(door.url(), HEADERS)
    assert.equal(other.connections.length, 2)
    await Promise.all([first, next].map(async ({ connection }) => await connection.close()))
    isSilent = false
    const back = await until(() => door.lines.find(({ event }) => event === 'broker-node-back'), 'its return')
    assert.equal(back['node'], door.broker.url)
  })
})
