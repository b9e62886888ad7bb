/** Clients outside reach gateways inside that listen nowhere: through doors, which the gateways dial. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { basic, type Door, type DoorOptions, startDoor } from '../support/door.ts'
import { until } from '../support/until.ts'
import { type OuterDoor, Wall } from '../support/wall.ts'

let wall: Wall
before(async () => {
  wall = await Wall.build()
})
after(() => wall.remove())

type Which = 0 | 1

const options = (urls: readonly string[], spare = 4, which: Which = 0, more: DoorOptions = {}): DoorOptions => ({
  ...more,
  listen: [wall.listener(urls, spare, which)],
  service: { refusal: 'http', ...more.service },
})

/** A gateway at these doors. */
const gatewayAt = async (t: TestContext, ...args: Parameters<typeof options>): Promise<Door> =>
  await startDoor(options(...args), t)

/** amqplib, through a door. */
const visit = (outer: OuterDoor, headers: Readonly<Record<string, string>> = {}, localAddress = '127.0.0.7') =>
  connectAmqplib(`wss://localhost:${outer.door.port}/amqp`, {
    websocket: {
      family: 4,
      localAddress,
      ca: wall.certificates.authority.ca,
      headers: { authorization: basic(), ...headers },
    },
  })

async function enterAndLeave(outer: OuterDoor): Promise<void> {
  const { connection } = await visit(outer)
  await connection.close()
}

const opened = ({ lines }: Door) => lines.filter(({ event }) => event === 'session-opened').length

const admin = async (outer: OuterDoor, path: string) => await fetch(`${outer.door.adminUrl}${path}`)

async function metric(url: string | undefined, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(name)) ?? assert.fail(`no ${name}`)
  return Number(line.slice(line.lastIndexOf(' ')))
}

describe('a gateway behind doors', () => {
  it('serves clients of every door, and says so', async (t) => {
    const [one, two] = [await wall.door(t), await wall.door(t)]
    assert.equal((await admin(one, '/health/ready')).status, 503)
    const gateway = await gatewayAt(t, [one.url, two.url])
    await Promise.all([one.spare(4), two.spare(4)])
    assert.equal((await admin(one, '/health/ready')).status, 200)
    assert.equal(gateway.gateway.addresses.length, 0)
    for (const outer of [one, two]) await enterAndLeave(outer)
    assert.equal(opened(gateway), 2)
    await Promise.all([one.spare(4), two.spare(4)])
    assert.equal(await metric(one.door.adminUrl, 'gatehouse_door_spare'), 4)
    assert.equal(await metric(one.door.adminUrl, 'gatehouse_door_clients_total'), 1)
    const { adminAddress } = gateway.gateway
    for (const [name, value] of [
      ['gatehouse_reverse_up', 1],
      ['gatehouse_reverse_spare', 4],
      ['gatehouse_reverse_clients_total', 1],
    ] as const)
      assert.equal(await metric(adminAddress?.url, `${name}{door="${one.url}"}`), value, name)
    await one.line('door-gateway-joined', (line) => line['gateway'] === 'inner-a')
  })

  it('shares the clients of a door with other gateways, and its sites by name', async (t) => {
    const shared = await wall.door(t)
    const gateways = [await gatewayAt(t, [shared.url], 2, 0), await gatewayAt(t, [shared.url], 2, 1)]
    await shared.spare(4)
    for (let count = 0; count < 6; count++) await enterAndLeave(shared)
    for (const gateway of gateways) assert.ok(opened(gateway) >= 2, `${opened(gateway)} of 6`)

    const [certain, wild] = [
      { serverName: 'localhost', to: 'inner-b' },
      { serverName: '*.example.com', to: 'inner-a' },
    ]
    const bySite = await wall.door(t, { listen: { host: '127.0.0.1', port: 0, sites: [wild, certain] } })
    const both = [await gatewayAt(t, [bySite.url], 2, 0), await gatewayAt(t, [bySite.url], 2, 1)]
    await bySite.spare(4)
    await enterAndLeave(bySite)
    assert.deepEqual(both.map(opened), [0, 1])
    await assert.rejects(
      connectAmqplib(`wss://127.0.0.1:${bySite.door.port}/amqp`, { websocket: { ca: wall.certificates.authority.ca } }),
    )
    await bySite.line('door-client-refused', ({ cause }) => cause === 'unknown-site')
  })

  it('G94 believes the address that a door announces, but never that it is its own machine or a proxy', async (t) => {
    const outer = await wall.door(t, { listen: { host: '0.0.0.0', port: 0 } })
    const everywhere = { require: { addresses: { allow: ['127.0.0.0/8', '::1'] } } }
    const gateway = await gatewayAt(t, [outer.url], 2, 0, { service: everywhere })
    await outer.spare(2)
    for (const headers of [{}, { 'x-forwarded-for': '127.0.0.1' }])
      await assert.rejects(visit(outer, headers), (error) => error instanceof UpgradeRefused && error.status === 403)
    const line = await gateway.line('authorization-refused')
    assert.equal(line['address'], '0.0.0.0')
  })

  it('follows a reload: doors join, change and leave, and sessions stay', async (t) => {
    const [one, two] = [await wall.door(t), await wall.door(t)]
    const gateway = await gatewayAt(t, [one.url], 2)
    await one.spare(2)
    const { connection } = await visit(one)
    const reload = async (...args: Parameters<typeof options>) =>
      await gateway.gateway.reload({ config: await gateway.configOf(options(...args)) })
    await reload([one.url, two.url], 3)
    await Promise.all([one.spare(3), two.spare(3)])
    await reload([two.url], 1)
    await Promise.all([one.spare(0), two.spare(1)])
    const channel = await connection.createChannel()
    assert.ok(channel)
    await connection.close()

    const withAddress = await gateway.gateway.reload({ config: await gateway.configOf({ listen: { port: 0 } }) })
    assert.ok(withAddress.changes.some((change) => change.startsWith('listen')))
    await two.spare(0)
    assert.equal(gateway.gateway.addresses.length, 1)
  })

  it('leaves its doors when it stops, and ends its sessions as it would at any listener', async (t) => {
    const outer = await wall.door(t)
    const gateway = await gatewayAt(t, [outer.url], 2, 0, { drain: '500ms' })
    await outer.spare(2)
    const { socket, closed } = await visit(outer)
    await gateway.gateway.close()
    assert.equal((await closed).code, 1012)
    socket.terminate()
    await outer.spare(0)
    await until(async () => (await admin(outer, '/health/ready')).status === 503, 'not ready')
    await until(() => outer.door.socketCount === 0, 'no socket at the door')
  })

  it('comes back to a door that was away, and to one that was restarted', async (t) => {
    const first = await wall.door(t)
    const { innerPort } = first.door
    const gateway = await gatewayAt(t, [first.url], 3)
    await first.spare(3)
    const { closed } = await visit(first)
    const stopping = first.door.close()
    first.door.cut()
    await Promise.all([stopping, closed])
    await gateway.line('door-away')
    const inner = { ...wall.input().inner, port: innerPort }
    const second = await wall.door(t, { inner })
    await second.spare(3)
    await enterAndLeave(second)
    assert.equal(gateway.lines.filter(({ event }) => event === 'door-joined').length, 2)
    const reasons = gateway.lines.filter(({ event }) => event === 'door-away').map(({ detail }) => String(detail))
    assert.equal(reasons[0], 'the door ended the connection')
    // Nothing is said twice in a row.
    assert.ok(reasons.every((reason, index) => reason !== reasons[index - 1]))
  })
})
