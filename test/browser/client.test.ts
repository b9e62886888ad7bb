/** @cloudamqp/amqp-client, unmodified, in Chromium, through the gateway to a real RabbitMQ, with a ticket in the URL. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type ClientPage, startClientPage } from '../support/client-page.ts'
import { PASSWORD } from '../support/door.ts'
import { CLAIMED, type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { until } from '../support/until.ts'

let page: ClientPage
let live: LiveGateway
before(async () => {
  page = await startClientPage()
  live = await startLiveGateway({ origins: [page.origin], tap: {} })
  await page.load(live)
})
after(async () => {
  assert.deepEqual(page.errors, [])
  await page.stop()
  await live.stop()
})

describe('amqp-client.js in a browser', () => {
  it('connects with a ticket, and is offered what the broker and the limits allow', async () => {
    assert.deepEqual(await page.call('open', 'joe.smith', PASSWORD), { channelMax: 2047, frameMax: 8192 })
  })

  it('is its promoted self in the list of the broker, under a name of the gateway', async () => {
    const connection = await until(async () => {
      const [found] = await live.broker.connections()
      return found?.client_properties?.['connection_name'] === undefined ? undefined : found
    }, 'the connection in the list of the broker')

    const { user, vhost, auth_mechanism: mechanism, client_properties: properties } = connection
    assert.deepEqual([user, vhost, mechanism], [live.users.smithj.username, live.broker.vhost, 'PLAIN'])
    assert.equal(properties?.['connection_name'], `joe.smith 127.0.0.1 → ${user} "orders-ui"`)
    assert.equal(properties?.['product'], 'amqp-client.js')
    const table = properties?.['gatehouse'] as Record<string, string>
    const { session } = await live.line('session-opened')
    assert.deepEqual(table, {
      subject: 'joe.smith',
      issuer: 'staff',
      address: '127.0.0.1',
      session,
      connection_name: 'orders-ui',
    })
  })

  it('publishes with confirms and consumes in order', async () => {
    const tags = await page.call<number[]>('confirms', 'numbers', 500)
    assert.deepEqual(
      tags,
      Array.from({ length: 500 }, (_, n) => n + 1),
    )
    assert.equal((await live.broker.queue('numbers'))?.messages, 500)

    const seen = await page.call<[string, number][]>('consume', 'numbers', 500)
    assert.deepEqual(
      seen,
      Array.from({ length: 500 }, (_, n) => [`${n}`, n]),
    )
    assert.equal((await live.broker.queue('numbers'))?.messages, 0)
  })

  it('is given no more than its prefetch count', async () => {
    await page.call('confirms', 'prefetched', 20)
    assert.deepEqual(await page.call('prefetch', 'prefetched', 4), { first: 4, messageCount: 16, second: 8 })
  })

  it('has an unroutable message returned before its confirm', async () => {
    assert.deepEqual(await page.call('returned'), [[312, 'NO_ROUTE', 'lost'], 'confirmed'])
  })

  it('gets what it refused once more', async () => {
    assert.deepEqual(await page.call('nacked'), [false, true])
  })

  it('carries a message of 5 MB both ways', async () => {
    const { sent, got, bytes } = await page.call<{ sent: string; got: string; bytes: number }>('large', 5_000_000)
    assert.equal(bytes, 5_000_000)
    assert.equal(got, sent)
  })

  it('opens 200 channels at once', async () => {
    assert.deepEqual(await page.call('channels', 200), { ids: 200, messageCount: 200 })
  })

  it('publishes in transactions', async () => {
    assert.deepEqual(await page.call('transactions'), [0, 1])
  })

  it('hears channel exceptions, and its connection lives on', async () => {
    const { error, closed, connected } = await page.call<Record<string, unknown>>('missing')
    assert.match(String(error), /^channel \d+ closed: NOT_FOUND - no queue 'nowhere' in vhost '.*' \(404\)$/)
    assert.deepEqual([closed, connected], [true, true])
  })

  it('hears that its queue was deleted', async () => {
    assert.equal(await page.call('cancelled', 'short-lived'), 'Consumer cancelled by the server')
  })

  it('closes, and leaves nothing behind', async () => {
    assert.equal(await page.call('close'), true)
    const { reason, closeCode } = await live.line('session-ended')
    assert.deepEqual([reason, closeCode], ['client-closed', 1000])
    await until(() => live.gateway.sessionCount === 0, 'no session left')
  })

  it('has left no byte of what it claimed with the broker', async () => {
    const { fromClient } = await live.tap.connection(0)
    for (const claim of [CLAIMED.username, CLAIMED.password, CLAIMED.vhost, PASSWORD]) {
      assert.equal(fromClient.includes(claim), false, claim)
    }
    assert.equal(fromClient.indexOf('AMQP\0\0\x09\x01'), 0)
    assert.equal(fromClient.indexOf('AMQP\0\0\x09\x01', 1), -1)
  })
})

describe('a page that is refused', () => {
  let dialled: number
  before(() => {
    dialled = live.tap.connections.length
  })
  after(() => assert.equal(live.tap.connections.length, dialled))

  it('without a ticket it reads why', async () => {
    const { error, code, reason } = await page.call<Record<string, unknown>>('refused', '')
    assert.match(String(error), /^connection closed: ACCESS_REFUSED - .* \(403\)$/)
    assert.equal(code, 4401)
    assert.match(String(reason), /^ACCESS_REFUSED - /)
  })

  it('with a ticket that nobody issued it reads why', async () => {
    const { code } = await page.call<Record<string, unknown>>('refused', '?ticket=CANARY')
    assert.equal(code, 4401)
  })

  it('with a wrong password it gets no ticket, and no dialog of the browser', async () => {
    const { status, challenge, ticket } = await page.call<Record<string, unknown>>('ticket', 'joe.smith', 'wrong')
    assert.deepEqual([status, ticket], [401, undefined])
    assert.match(String(challenge), /^xBasic /)
  })

  it('proven but without a promotion rule it reads that', async () => {
    const { ticket } = await page.call<Record<string, unknown>>('ticket', 'eve', PASSWORD)
    const { error, code } = await page.call<Record<string, unknown>>('refused', `?ticket=${String(ticket)}`)
    assert.match(String(error), /\(403\)$/)
    assert.equal(code, 4403)
  })

  it('of a foreign origin it gets nothing: no ticket to read, no WebSocket, no text', async () => {
    const { ticket } = await page.call<Record<string, unknown>>('ticket', 'joe.smith', PASSWORD)
    await page.load(live, page.foreignOrigin)

    await assert.rejects(page.call('ticket', 'joe.smith', PASSWORD), /Failed to fetch/)
    const { error, code } = await page.call<Record<string, unknown>>('refused', `?ticket=${String(ticket)}`)
    assert.deepEqual([error, code], ['error', 1006])
    await live.line('origin-refused')
  })
})
