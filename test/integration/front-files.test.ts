/** The files of deploy/haproxy and deploy/nginx, run as they are in front of two gateways that share their state. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { basic, ORIGIN } from '../support/door.ts'
import {
  CLIENT_ADDRESS,
  type FrontCase,
  type FrontScene,
  PAGE_MODULE,
  PROXY_SECRET,
  startFrontScene,
} from '../support/front-scene.ts'
import { until, within } from '../support/until.ts'

const CASES: readonly FrontCase[] = [
  { file: 'haproxy/gatehouse.cfg', kind: 'haproxy', passesTls: false, base: '' },
  { file: 'haproxy/gatehouse-path.cfg', kind: 'haproxy', passesTls: false, base: '/gate' },
  { file: 'haproxy/gatehouse-tcp.cfg', kind: 'haproxy', passesTls: true, base: '' },
  {
    file: 'nginx/gatehouse.conf',
    kind: 'nginx',
    passesTls: false,
    base: '',
    module: { path: '/pages/app.mjs', root: '/srv/gatehouse' },
  },
  {
    file: 'nginx/gatehouse-path.conf',
    kind: 'nginx',
    passesTls: false,
    base: '/gate',
    module: { path: '/app.mjs', root: '/srv/app' },
  },
  { file: 'nginx/gatehouse-stream.conf', kind: 'nginx-stream', passesTls: true, base: '' },
]

for (const front of CASES) {
  describe(`deploy/${front.file}`, () => {
    let scene: FrontScene
    before(async () => {
      scene = await startFrontScene(front)
    })
    after(() => scene?.stop())

    const authorization = basic()
    const buyTicket = async (query = '') => {
      const headers = { authorization, origin: ORIGIN }
      const url = scene.url(`/auth/ticket?service=${encodeURIComponent(`${front.base}/amqp`)}${query}`)
      const answer = await scene.browser().fetch(url, { method: 'POST', headers })
      assert.equal(answer.status, 200, await answer.clone().text())
      return answer
    }

    it('opens sessions with the address of their client, whatever address it claims', async () => {
      const claims = { 'x-forwarded-for': '192.0.2.99', 'x-real-ip': '192.0.2.99', forwarded: 'for=192.0.2.99' }
      const { connection } = await scene.connect('/amqp', { authorization, ...claims })
      const channel = await connection.createConfirmChannel()
      const { queue } = await channel.assertQueue('', { exclusive: true })
      channel.sendToQueue(queue, Buffer.from('through the proxy'))
      await channel.waitForConfirms()
      const message = await channel.get(queue, { noAck: true })
      assert.equal(message === false ? undefined : message.content.toString(), 'through the proxy')
      await connection.close()
      const opened = scene.lines.filter(({ event }) => event === 'session-opened')
      assert.deepEqual(
        opened.map(({ address }) => address),
        [CLIENT_ADDRESS],
      )
    })

    it('G4 lets nobody say who they are', async () => {
      const claims = { 'x-forwarded-user': 'joe.smith', 'x-gatehouse-secret': PROXY_SECRET }
      await assert.rejects(
        scene.connect('/amqp', claims),
        (error) => error instanceof UpgradeRefused && (error.status === 401 || error.status === 400),
      )
    })

    it('takes a ticket of either gateway once, and writes none down', async () => {
      const { ticket } = (await (await buyTicket()).json()) as { ticket: string }
      const { connection } = await scene.connect(`/amqp?ticket=${ticket}`, {}, ORIGIN)
      await connection.close()
      await assert.rejects(
        scene.connect(`/amqp?ticket=${ticket}`, {}, ORIGIN),
        (error) => error instanceof UpgradeRefused && error.status === 401,
      )
      assert.equal((await scene.proxyOutput()).includes(ticket), false)
    })

    it('passes a ticket cookie on that no other host can set', async () => {
      const answer = await buyTicket('&as=cookie')
      const [cookie = ''] = answer.headers.getSetCookie()
      assert.match(cookie, /^__Host-gatehouse-ticket-[0-9a-f]{8}=[^;]+;/)
      assert.match(cookie, /; Path=\/;/)
      assert.match(cookie, /; Secure/)
      const { connection } = await scene.connect('/amqp', { cookie: cookie.split(';')[0] ?? '' }, ORIGIN)
      await connection.close()
    })

    it('passes an OpenID login on, from its begin to its end', async () => {
      const browser = scene.browser()
      const begun = await browser.fetch(scene.url('/auth/login'))
      const location = begun.headers.get('location') ?? ''
      assert.equal(new URL(location).searchParams.get('redirect_uri'), scene.url('/auth/callback'))
      const finished = await browser.fetch(scene.url(`/auth/callback?${scene.provider.authorize(location)}`))
      assert.equal(finished.status, 303, await finished.text())
      assert.equal(finished.headers.get('location'), scene.url('/'))
      assert.equal((await browser.fetch(scene.url('/auth/whoami'))).status, 200)
      const cookie = browser.cookies(scene.origin)
      const { connection, closed } = await scene.connect('/amqp', { cookie }, scene.origin)
      connection.on('error', () => undefined)

      const out = await browser.fetch(scene.url('/auth/logout'), { method: 'POST', headers: { origin: scene.origin } })

      assert.equal(out.status, 200)
      assert.equal((await within(closed, 'the end of its session', 20_000)).code, 4401)
      await until(() => scene.provider.revocations.length > 0, 'the revocation of its refresh token', 20_000)
      assert.equal((await browser.fetch(scene.url('/auth/whoami'))).status, 401)
    })

    if (front.module !== undefined) {
      const { path } = front.module
      it('serves modules of pages with the type that browsers want', async () => {
        const answer = await scene.browser().fetch(`${scene.origin}${path}`)
        assert.equal(answer.status, 200)
        assert.match(answer.headers.get('content-type') ?? '', /^(?:text|application)\/javascript/)
        assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
        assert.equal(await answer.text(), PAGE_MODULE)
      })
    }

    it('brings the clients of a gateway that stops to the other one', async () => {
      const open = await Promise.all(Array.from({ length: 4 }, () => scene.connect('/amqp', { authorization })))
      for (const { connection } of open) connection.on('error', () => undefined)
      const [most, other] = scene.gateways.toSorted((one, another) => another.sessionCount - one.sessionCount)
      const sessions = most?.sessionCount ?? 0
      assert.ok(sessions > 0)

      await most?.close()

      const ended = () => open.filter(({ socket }) => socket.readyState === socket.CLOSED)
      await until(() => ended().length === sessions, 'the end of the sessions of one gateway', 20_000)
      for (const { closed } of ended()) assert.equal((await closed).code, 1012)
      // On a busy machine a proxy may have missed for a moment that the other one is there.
      const again = () => scene.connect('/amqp', { authorization }).catch(() => undefined)
      const back = await Promise.all(ended().map(() => until(again, 'a session at the other gateway', 30_000)))
      assert.equal(other?.sessionCount, open.length)
      for (const { connection } of [...open.filter((one) => !ended().includes(one)), ...back]) await connection.close()
    })
  })
}
