/**
 * Who the broker is told that a client is. The broker's own connection list is asked, and the broker leg is recorded:
 * every frame of it is the gateway's or was judged by it, and nothing that the client claimed is among its bytes.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { decodeTable } from '../../proxy/codec/table.ts'
import type { BrokerConnection } from '../../src/demo/management.ts'
import type { AmqplibConnection } from '../support/amqplib-over-websocket.ts'
import { PASSWORD } from '../support/door.ts'
import { CLAIMED, gatehouseTable, type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { Transcript } from '../support/seen-frames.ts'
import { until, within } from '../support/until.ts'

/** What this client says of itself beside its credentials. */
const PROPERTIES = {
  product: 'a product of the client',
  connection_name: 'orders-ui',
  gatehouse: { subject: 'CANARY-claimed-subject' },
}

describe('a promoted client', () => {
  let live: LiveGateway
  before(async () => {
    live = await startLiveGateway({ tap: {} })
  })
  after(() => live.stop())

  /** The broker's row of one session, by the session id in the gateway's table, with all details. */
  async function row(session: unknown): Promise<BrokerConnection> {
    return until(
      async () => {
        const all = await live.broker.connections()
        return all.find(({ client_properties: properties }) => {
          return (properties?.['gatehouse'] as Record<string, string> | undefined)?.['session'] === session
        })
      },
      `session ${String(session)} in the list of the broker`,
    )
  }

  async function sessionOf(subject: string): Promise<{ client: AmqplibConnection; session: unknown }> {
    const known = live.lines.filter((line) => line['event'] === 'session-opened').length
    const client = await live.connect(subject, { clientProperties: PROPERTIES })
    const opened = await until(() => live.lines.filter((line) => line['event'] === 'session-opened')[known], 'opened')
    return { client, session: opened['session'] }
  }

  it('is the broker user it is mapped to, in the vhost of the service, under a name of the gateway', async () => {
    const { client, session } = await sessionOf('joe.smith')

    const { user, vhost, auth_mechanism: mechanism, client_properties: properties } = await row(session)

    const { smithj } = live.users
    assert.deepEqual([user, vhost, mechanism], [smithj.username, live.broker.vhost, 'PLAIN'])
    assert.equal(
      properties?.['connection_name'],
      `joe.smith 127.0.0.1 → ${smithj.username} "${PROPERTIES.connection_name}"`,
    )
    assert.deepEqual(properties?.['gatehouse'], {
      subject: 'joe.smith',
      issuer: 'staff',
      address: '127.0.0.1',
      connection_name: PROPERTIES.connection_name,
      session,
    })
    assert.equal(properties?.['product'], PROPERTIES.product)
    await client.connection.close()
  })

  it('shares its broker user with others, and no connection', async () => {
    const ada = await sessionOf('ada')
    const bob = await sessionOf('bob')

    const rows = [await row(ada.session), await row(bob.session)]

    const { webuser } = live.users
    assert.deepEqual(
      rows.map(({ user }) => user),
      [webuser.username, webuser.username],
    )
    assert.notEqual(rows[0]?.name, rows[1]?.name)
    assert.deepEqual(
      rows.map((found) => gatehouseTable(found)['subject']),
      ['ada', 'bob'],
    )
    await Promise.all([ada, bob].map(({ client }) => client.connection.close()))
  })

  it('leaves the header once, one start-ok, one open and no byte of its claims on the broker leg', async () => {
    const index = live.tap.connections.length
    const { client, session } = await sessionOf('joe.smith')
    const channel = await client.connection.createConfirmChannel()
    await channel.assertQueue('', { exclusive: true })
    await client.connection.close()
    await client.closed

    const bytes = (await live.tap.connection(index)).fromClient
    const recorded = new Transcript(true)
    recorded.add(bytes)
    assert.deepEqual(recorded.names(), [
      'connection.start-ok',
      'connection.tune-ok',
      'connection.open',
      'channel.open',
      'confirm.select',
      'queue.declare',
      'connection.close',
    ])
    assert.equal(bytes.indexOf('AMQP'), 0)
    assert.equal(bytes.indexOf('AMQP\0\0\x09\x01', 1), -1)
    const [startOk, , open] = recorded.frames.map(({ fields }) => fields)
    const { smithj } = live.users
    assert.deepEqual(startOk?.['response'], Buffer.from(`\0${smithj.username}\0${smithj.password}`))
    assert.equal(open?.['virtualHost'], live.broker.vhost)

    const claims = [...Object.values(CLAIMED), PROPERTIES.gatehouse.subject, PASSWORD]
    for (const claim of claims) {
      for (const encoding of ['utf8', 'base64', 'hex', 'utf16le'] as const) {
        const form = encoding === 'utf16le' ? Buffer.from(claim, encoding) : Buffer.from(claim).toString(encoding)
        assert.equal(bytes.includes(form), false, `${claim} as ${encoding}`)
      }
    }
    assert.ok(bytes.includes(String(session)))
  })

  it('keeps the table of the gateway its own, whatever the client calls its properties', async () => {
    const index = live.tap.connections.length
    const { client } = await sessionOf('joe.smith')
    const recorded = new Transcript(true)
    recorded.add((await live.tap.connection(index)).fromClient)
    const properties = recorded.frames[0]?.fields['clientProperties'] as ReturnType<typeof decodeTable>

    for (const key of ['gatehouse', 'connection_name', 'capabilities']) {
      assert.equal(properties.filter((entry) => entry.key === key).length, 1, key)
    }
    await client.connection.close()
  })

  it('is ended when it sends a secret of its own, which the broker never sees', async () => {
    const index = live.tap.connections.length
    const { client } = await sessionOf('joe.smith')

    client.connection.updateSecret(Buffer.from('CANARY-new-secret'), 'CANARY-reason').catch(() => undefined)

    assert.equal((await within(client.closed, 'the end of the WebSocket')).code, 1002)
    const [error] = client.errors as (Error & { code?: number })[]
    assert.equal(error?.code, 530)
    assert.match(String(error?.message), /NOT_ALLOWED - /)
    const { fromClient } = await live.tap.connection(index)
    assert.equal(fromClient.includes('CANARY-new-secret') || fromClient.includes('CANARY-reason'), false)
  })

  it('has none of its secrets in the log', () => {
    const log = JSON.stringify(live.lines)
    const { smithj, webuser } = live.users
    for (const secret of [PASSWORD, smithj.password, webuser.password, CLAIMED.password, 'CANARY-new-secret']) {
      assert.equal(log.includes(secret), false)
    }
  })
})
