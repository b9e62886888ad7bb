/**
 * Two gateways behind one host, each below a path of its own that the proxy passes on or takes away; with the proxies
 * themselves, nginx and HAProxy, as docs/base-path.md configures them.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../../src/demo/processes.ts'
import { connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { CookieBrowser } from '../support/cookie-browser.ts'
import { basic, type Door, ORIGIN, sendRaw, startDoor, upgradeRequest } from '../support/door.ts'
import { FakeOpenidProvider } from '../support/fake-openid-provider.ts'
import { type ReverseProxy, startHaproxy, startNginx } from '../support/reverse-proxy.ts'

const KINDS = ['nginx', 'haproxy'] as const
type Kind = (typeof KINDS)[number]

const provider = new FakeOpenidProvider()

/** The gateways, and the host that both are behind. */
interface Scene {
  readonly origin: string
  /** Below `/team/a`, which the proxy passes on. */
  readonly passed: Door
  /** Below `/team/b`, which the proxy takes away. */
  readonly stripped: Door
  readonly proxy: ReverseProxy
}

function nginx(port: number, passed: Door, stripped: Door): Promise<ReverseProxy> {
  return startNginx(
    port,
    `server {
      listen 127.0.0.1:${port};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $http_host;
      location /team/a/ { proxy_pass http://127.0.0.1:${passed.port}; }
      location /team/b/ { proxy_pass http://127.0.0.1:${stripped.port}/; }
    }`,
  )
}

function haproxy(port: number, passed: Door, stripped: Door): Promise<ReverseProxy> {
  return startHaproxy(
    port,
    `frontend gate
      mode http
      bind 127.0.0.1:${port}
      use_backend passed if { path_beg /team/a/ }
      use_backend stripped if { path_beg /team/b/ }
    backend passed
      mode http
      server a 127.0.0.1:${passed.port}
    backend stripped
      mode http
      http-request replace-path /team/b(/.*) \\1
      server b 127.0.0.1:${stripped.port}
    `,
  )
}

async function startScene(kind: Kind): Promise<Scene> {
  const [port = 0] = await freePorts(1)
  const origin = `http://127.0.0.1:${port}`
  const options = {
    listen: { port: 0, behindTls: true, trustedProxies: ['127.0.0.1'] },
    service: { authenticate: ['staff', 'portal', 'tickets'], origins: [ORIGIN, origin], refusal: 'http' as const },
    authenticators: {
      portal: { type: 'oidc' as const, issuer: provider.issuer, clientId: 'gatehouse', publicUrl: origin },
    },
  }
  const passed = await startDoor({ ...options, basePath: '/team/a' })
  const stripped = await startDoor({ ...options, basePath: '/team/b', basePathStripped: true })
  const proxy = await (kind === 'nginx' ? nginx : haproxy)(port, passed, stripped)
  return { origin, passed, stripped, proxy }
}

before(() => provider.start())
after(() => provider.stop())

for (const kind of KINDS) {
  describe(`two gateways below paths of one host, behind ${kind}`, () => {
    let scene: Scene
    before(async () => {
      scene = await startScene(kind)
    })
    after(async () => {
      await scene.proxy.stop()
      await scene.passed.stop()
      await scene.stripped.stop()
    })

    const url = (path: string) => `${scene.origin}${path}`
    const connect = (path: string, headers: Record<string, string>) =>
      connectAmqplib(url(path).replace(/^http/, 'ws'), { websocket: { headers, origin: ORIGIN } })
    const buyCookie = async (browser: CookieBrowser, team: string, service: string) => {
      const headers = { authorization: basic(), origin: ORIGIN }
      const target = url(`${team}/auth/ticket?as=cookie&service=${encodeURIComponent(service)}`)
      const answer = await browser.fetch(target, { method: 'POST', headers })
      assert.equal(answer.status, 200, await answer.text())
    }
    const logIn = async (browser: CookieBrowser, team: string) => {
      const begun = await browser.fetch(url(`${team}/auth/login`))
      const location = begun.headers.get('location') ?? ''
      assert.equal(new URL(location).searchParams.get('redirect_uri'), url(`${team}/auth/callback`))
      const finished = await browser.fetch(url(`${team}/auth/callback?${provider.authorize(location)}`))
      assert.equal(finished.status, 303, await finished.text())
      assert.equal(finished.headers.get('location'), url(`${team}/`))
    }
    const whoami = async (browser: CookieBrowser, team: string) =>
      (await browser.fetch(url(`${team}/auth/whoami`))).status

    it('serve their services there', async () => {
      for (const path of ['/team/a/amqp', '/team/b/amqp']) {
        const { connection } = await connect(path, { authorization: basic() })
        await connection.close()
      }
    })

    it('G70 take their own ticket cookies, and none of the other', async () => {
      const browser = new CookieBrowser()
      await buyCookie(browser, '/team/a', '/amqp')
      await buyCookie(browser, '/team/b', '/team/b/amqp')
      const cookie = browser.cookies(scene.origin)
      assert.match(cookie, /^__Host-gatehouse-ticket-[0-9a-f]{8}=[^;]+; __Host-gatehouse-ticket-[0-9a-f]{8}=[^;]+$/)
      for (const path of ['/team/a/amqp', '/team/b/amqp']) {
        const { connection } = await connect(path, { cookie })
        await connection.close()
      }
      const [onlyA = ''] = cookie.split('; ')
      await assert.rejects(connect('/team/b/amqp', { cookie: onlyA }), (error) => error instanceof UpgradeRefused)
    })

    it('G70 keep logins apart', async () => {
      const browser = new CookieBrowser()
      await logIn(browser, '/team/a')
      assert.equal(await whoami(browser, '/team/b'), 401)
      await logIn(browser, '/team/b')
      assert.equal(await whoami(browser, '/team/a'), 200)

      const out = await browser.fetch(url('/team/a/auth/logout'), { method: 'POST', headers: { origin: scene.origin } })

      assert.equal(out.status, 200)
      assert.equal(await whoami(browser, '/team/a'), 401)
      assert.equal(await whoami(browser, '/team/b'), 200)
    })
  })
}

describe('a gateway below a path', () => {
  it('says what a request should have begun with', async (t) => {
    const door = await startDoor({ basePath: '/gate' }, t)
    const upgrade = await sendRaw(door.port, upgradeRequest('/amqp'))
    assert.equal(upgrade.status, 404)
    assert.match(upgrade.body, /^no service here: every path begins with \/gate here/)
    const answer = await fetch(door.http('/auth/whoami'))
    assert.equal(answer.status, 404)
    assert.deepEqual(await answer.json(), { error: 'not found: every path begins with /gate here' })
    await door.line('request-refused', ({ cause, detail }) => cause === 'unknown-path' && /\/gate/.test(String(detail)))
    assert.equal((await door.line('gateway-started'))['paths'], '/gate/amqp')
  })

  it('says so where the proxy was expected to take it away', async (t) => {
    const door = await startDoor({ basePath: '/gate', basePathStripped: true }, t)
    const upgrade = await sendRaw(door.port, upgradeRequest('/gate/amqp'))
    assert.equal(upgrade.status, 404)
    assert.match(upgrade.body, /expected the proxy in front to take \/gate away/)
    assert.equal((await door.line('gateway-started'))['paths'], '/amqp')
  })

  it('moves by a reload, and keeps its sessions', async (t) => {
    const door = await startDoor({}, t)
    const headers = { authorization: basic() }
    const before = await connectAmqplib(door.url('/amqp'), { websocket: { headers } })

    const report = await door.gateway.reload({ config: await door.configOf({ basePath: '/gate' }) })

    assert.deepEqual(report.changes, ['basePath'])
    assert.deepEqual(report.sessions, { kept: 1, changed: 0, ended: 0 })
    const next = await connectAmqplib(door.url('/gate/amqp'), { websocket: { headers } })
    await next.connection.close()
    await before.connection.close()
    const issued = await fetch(door.http('/gate/auth/ticket?as=cookie'), {
      method: 'POST',
      headers: { ...headers, origin: ORIGIN },
    })
    const [cookie = ''] = (issued.headers.get('set-cookie') ?? '').split(';')
    const again = await connectAmqplib(door.url('/gate/amqp'), { websocket: { headers: { cookie }, origin: ORIGIN } })
    await again.connection.close()
  })
})
