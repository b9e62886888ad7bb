/** What the management API remembers and sends of what happens: bounded, and nothing while nobody asks. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { Feed } from '../../../../../src/admin/live/feed.ts'
import { History } from '../../../../../src/admin/live/history.ts'
import { RecentRefusals } from '../../../../../src/admin/live/recent-refusals.ts'
import { SessionRefusals } from '../../../../../src/admin/live/session-refusals.ts'
import { Log } from '../../../../../src/ops/log.ts'
import { Totals } from '../../../../../src/ops/totals.ts'
import { Traffic } from '../../../../../src/ops/traffic.ts'
import { until } from '../../../../support/until.ts'

const silent = () => new Log('silent', { write: () => true })

describe('the last refusals', () => {
  it('are two hundred, the last one first, and nothing else', () => {
    const [log, refusals] = [silent(), new RecentRefusals()]
    log.observe(refusals)
    assert.deepEqual(refusals.list(), [])
    for (let count = 0; count < 205; count++)
      log.write('authentication-refused', { cause: 'unauthenticated', status: 401, detail: `${count}` })
    log.write('session-ended', { cause: 'timeout', detail: 'no refusal' })
    log.write('tls-failed', { cause: 'plain-http' })
    const list = refusals.list()
    assert.deepEqual([list.length, list[0]?.detail, list.at(-1)?.detail], [200, '204', '5'])
  })

  it('say which of several providers it was', () => {
    const [log, refusals] = [silent(), new RecentRefusals()]
    log.observe(refusals)
    log.write('authentication-refused', { cause: 'unauthenticated', status: 401 })
    log.write('authentication-refused', { cause: 'unauthenticated', status: 400, authenticator: 'partners' })
    assert.deepEqual(
      refusals.list().map(({ authenticator }) => authenticator),
      ['partners', null],
    )
  })
})

describe('what was refused in a session', () => {
  const refused = {
    event: 'permission.refused',
    session: 'a',
    method: 'basic.publish',
    channel: 1,
    permission: 'write',
  }

  it('is the last ten, until the session ends', () => {
    const [log, refusals] = [silent(), new SessionRefusals()]
    log.observe(refusals)
    for (let count = 0; count < 12; count++)
      log.audit({ ...refused, kind: 'exchange', name: `x${count}`, routingKey: 'a.b' })
    log.write('broker-refused-method', { session: 'b', method: 'queue.declare', detail: 'in use' })
    const list = refusals.of('a')
    assert.deepEqual([list.length, list[0]?.detail], [10, 'write on exchange "x11" for routing key "a.b"'])
    assert.equal(list[0]?.allow, '- { exchange: x11, routingKey: a.b }   # under permissions, write')
    assert.deepEqual([refusals.of('b')[0]?.detail, refusals.of('b')[0]?.allow], ['in use', null])
    log.audit({ event: 'session.closed', session: 'a' })
    assert.deepEqual(refusals.of('a'), [])
  })

  it('has no line where that would grant more than was asked for', () => {
    const [log, refusals] = [silent(), new SessionRefusals()]
    log.observe(refusals)
    for (const more of [
      { kind: 'exchange', name: 'a*', routingKey: 'x' },
      { kind: 'exchange', name: 'a', routingKey: 'x.#' },
      { kind: 'queue', name: `$\{subject}` },
    ])
      log.audit({ ...refused, ...more })
    log.audit({ event: 'limit.refused', session: 'a', limit: 'channels', method: 'channel.open' })
    assert.deepEqual(
      refusals.of('a').map(({ allow }) => allow),
      [null, null, null, null],
    )
    log.audit({
      ...refused,
      method: 'queue.bind',
      permission: 'read',
      kind: 'exchange',
      name: 'quotes',
      routingKey: 'x.#',
    })
    assert.equal(refusals.of('a')[0]?.allow, '- { exchange: quotes, routingKey: "x.#" }   # under permissions, read')
  })

  it('is remembered of a thousand sessions at most', () => {
    const [log, refusals] = [silent(), new SessionRefusals()]
    log.observe(refusals)
    for (let session = 0; session <= 1_000; session++) log.audit({ ...refused, session: `${session}` })
    assert.deepEqual([refusals.of('0').length, refusals.of('1').length, refusals.of('1000').length], [0, 1, 1])
  })
})

describe('the last hour', () => {
  it('has a sample for each ten seconds, and rates', () => {
    let nowMs = 1_000_000
    const [totals, traffic] = [new Totals(), new Traffic()]
    const history = new History({
      totals,
      traffic,
      sessionCount: () => 7,
      loopDelayMs: () => 12.34,
      nowMs: () => nowMs,
    })
    history.tick()
    assert.deepEqual(history.samples(), [])
    totals.opened = 50
    totals.refusedOnce('blocked')
    traffic.fromClient(1_000)
    nowMs += 999
    assert.deepEqual(history.samples(), [], 'of less than a second')
    nowMs += 4_001
    const [begun] = history.samples()
    assert.deepEqual([begun?.opened, begun?.refusals, begun?.eventLoopDelay], [10, { blocked: 1 }, 12.3])
    nowMs += 5_000
    history.tick()
    const [sample] = history.samples()
    assert.deepEqual(
      [sample?.opened, sample?.refused, sample?.bytesFromClient, sample?.sessions, sample?.eventLoopDelay],
      [5, 0.1, 100, 7, 12.3],
    )
    assert.deepEqual(sample?.refusals, { blocked: 1 })
    nowMs += 10_000
    history.tick()
    assert.deepEqual([history.samples()[1]?.refusals, history.rates().opened], [{}, 0])
    for (let more = 0; more < 400; more++) {
      nowMs += 10_000
      history.tick()
    }
    assert.equal(history.samples().length, 360)
  })
})

describe('live events', () => {
  async function reader(t: TestContext, feed: Feed, mayStay: () => boolean): Promise<IncomingMessage> {
    const server = createServer((_request, response) => feed.open(response, { mayStay, expiresAtMs: undefined }))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const request = get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.on('error', () => undefined)
    return response
  }

  it('drop a reader that is too slow, with a last event that says so', async (t) => {
    const log = silent()
    const response = await reader(t, new Feed(log), () => true)
    const detail = 'x'.repeat(250)
    for (let count = 0; count < 40_000; count++) log.audit({ event: 'permission.refused', session: `${count}`, detail })
    let text = ''
    response.on('data', (chunk) => {
      text = `${text}${chunk}`.slice(-400)
    })
    await once(response, 'end')
    assert.match(text, /event: dropped\ndata: \{"detail":"you read too slowly: 4 MiB were waiting"\}\n\n$/)
  })

  it('end when another configuration takes the role away', async (t) => {
    const log = silent()
    let mayStay = true
    const response = await reader(t, new Feed(log), () => mayStay)
    let text = ''
    response.on('data', (chunk) => {
      text += String(chunk)
    })
    log.write('reload-done', { detail: 'first' })
    await until(() => text.includes('"first"'))
    mayStay = false
    log.write('reload-done', { detail: 'second' })
    await once(response, 'end')
    assert.match(text, /event: ended\ndata: \{"detail":"you may not read this any more"\}\n\n$/)
  })

  it('leave out what `audit.include` asks for, and make nothing while nobody reads', async (t) => {
    const log = silent()
    const feed = new Feed(log)
    let isRead = 0
    const fields = {
      get event() {
        isRead++
        return 'session.opened'
      },
    }
    log.audit(fields)
    assert.equal(isRead, 0)
    const response = await reader(t, feed, () => true)
    let text = ''
    response.on('data', (chunk) => {
      text += String(chunk)
    })
    log.audit({ event: 'queue.declare', session: 'a' })
    log.audit(fields)
    await until(() => text.includes('session.opened'))
    assert.ok(!text.includes('queue.declare'))
    response.destroy()
    await once(response, 'close')
    assert.ok(isRead > 0)
  })
})
