/** People who manage log in at a real OpenID provider; in a real browser in test/browser/console-login.test.ts. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { CommandProcess } from '../support/command-process.ts'
import { CookieBrowser } from '../support/cookie-browser.ts'
import type { Door } from '../support/door.ts'
import { type ManagedByOpenid, startOpenid, startOpenidDoor, stopOpenid } from '../support/managed-by-openid.ts'
import { until } from '../support/until.ts'

const ACCESS_TOKEN_SECONDS = 2

let openid: ManagedByOpenid
before(async () => {
  openid = await startOpenid(ACCESS_TOKEN_SECONDS)
})
after(() => stopOpenid(openid))

/** Visits a login, fills in the provider's form, and is sent back. */
async function logIn(browser: CookieBrowser, origin: string, name: string, query = '') {
  const form = await browser.visit(`${origin}/auth/login${query}`)
  assert.match(form.body, /<form/, form.body)
  return await browser.visit(form.url, { name })
}

async function me(browser: CookieBrowser) {
  const answer = await browser.fetch(`${openid.admin.origin}/api/v1/me`)
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> }
}

async function post(browser: CookieBrowser, path: string, headers: Record<string, string>, body = '') {
  const answer = await browser.fetch(`${openid.admin.origin}${path}`, { method: 'POST', headers, body })
  return { status: answer.status, json: JSON.parse((await answer.text()) || '{}') as Record<string, unknown> }
}

const kick = JSON.stringify({ match: { subject: 'nobody' } })
const own = () => ({ origin: openid.admin.origin })
const acts = (door: Door) => door.lines.filter((line) => line['event'] === 'admin.kick')

describe('the login of people who manage', () => {
  it('is offered where it helps, leads back to the console, and gives the role of the claims', async (t) => {
    const door = await startOpenidDoor(openid, t)
    const browser = new CookieBrowser()
    const before = await me(browser)
    assert.equal(before.status, 401)
    assert.deepEqual(before.json['logins'], ['sso'])

    const arrived = await logIn(browser, openid.admin.origin, 'operator')

    assert.equal(arrived.url, `${openid.admin.origin}/console/`)
    assert.equal(arrived.status, 200)
    const { json } = await me(browser)
    const expected = { subject: 'operator', authenticator: 'sso', role: 'operator', mayLogOut: true }
    assert.deepEqual(json, { issuer: openid.provider.issuer, ...expected })
    assert.equal((await post(browser, '/api/v1/kick', own(), kick)).status, 200)
    const [audited] = acts(door)
    assert.deepEqual([audited?.['actor'], audited?.['role'], audited?.['outcome']], ['operator', 'operator', 'done'])
    assert.equal((await door.line('login-opened'))['subject'], 'operator')
  })

  it('G90 lets its cookie write for pages of its own origin only', async (t) => {
    const door = await startOpenidDoor(openid, t)
    const browser = new CookieBrowser()
    await logIn(browser, openid.admin.origin, 'operator')
    assert.equal((await post(browser, '/api/v1/kick', { origin: 'https://evil.example' }, kick)).status, 403)
    assert.equal((await post(browser, '/api/v1/kick', { origin: openid.app.origin }, kick)).status, 403)
    assert.equal((await post(browser, '/api/v1/kick', {}, kick)).status, 401)
    assert.deepEqual([...new Set(acts(door).map((line) => line['outcome']))], ['refused'])
    for (const origin of ['https://evil.example', openid.app.origin]) {
      assert.equal((await post(browser, '/auth/logout', { origin })).status, 403)
    }
    assert.equal((await post(browser, '/auth/logout', {})).status, 403)
    assert.equal((await me(browser)).status, 200, 'the login is still there')
  })

  it('G90 has cookies of its own: those of services are no way in, and neither is it one to a service', async (t) => {
    await startOpenidDoor(openid, t)
    const [atService, atAdmin] = [new CookieBrowser(), new CookieBrowser()]
    await logIn(atService, openid.app.origin, 'viewer', '?returnTo=/auth/whoami')
    await logIn(atAdmin, openid.admin.origin, 'viewer')
    const [serviceCookie, adminCookie] = [atService.cookies(openid.app.origin), atAdmin.cookies(openid.admin.origin)]
    const [serviceName = '', serviceId = ''] = serviceCookie.split('=')
    const [adminName = '', adminId = ''] = adminCookie.split('=')
    assert.notEqual(serviceName, adminName)
    const ask = async (url: string, cookie: string) => (await fetch(url, { headers: { cookie } })).status
    const [admin, service] = [`${openid.admin.origin}/api/v1/me`, `${openid.app.origin}/auth/whoami`]
    assert.deepEqual([await ask(admin, adminCookie), await ask(service, serviceCookie)], [200, 200])
    assert.equal(await ask(admin, serviceCookie), 401)
    assert.equal(await ask(admin, `${adminName}=${serviceId}`), 401)
    assert.equal(await ask(service, adminCookie), 401)
    assert.equal(await ask(service, `${serviceName}=${adminId}`), 401)
  })

  it('is renewed while the provider agrees, and ends with a logout', async (t) => {
    await startOpenidDoor(openid, t)
    const browser = new CookieBrowser()
    await logIn(browser, openid.admin.origin, 'viewer')
    // The access token has run out by then, so that the login is renewed for this.
    await new Promise((resolve) => setTimeout(resolve, ACCESS_TOKEN_SECONDS * 1000 + 100))
    assert.equal((await me(browser)).status, 200)
    const { status, json } = await post(browser, '/auth/logout', own())
    assert.equal(status, 200)
    assert.match(String(json['endSessionUrl']), /^http:\/\/127\.0\.0\.1:\d+\/session\/end/)
    assert.equal((await me(browser)).status, 401)
  })

  it('ends where the provider says so, at whichever address it knows', async (t) => {
    await startOpenidDoor(openid, t)
    const browser = new CookieBrowser()
    await logIn(browser, openid.admin.origin, 'viewer')
    const page = await browser.visit(`${openid.provider.issuer}/session/end`)
    const secret = /name="xsrf" value="([^"]+)"/.exec(page.body)?.[1] ?? ''
    await browser.visit(`${openid.provider.issuer}/session/end/confirm`, { xsrf: secret, logout: 'yes' })
    assert.equal((await me(browser)).status, 401)
  })

  it('gives nobody a role who has none, and is not there where nobody asked for it', async (t) => {
    await startOpenidDoor(openid, t)
    const browser = new CookieBrowser()
    await logIn(browser, openid.admin.origin, 'nobody')
    assert.equal((await me(browser)).status, 403)
    for (const [path, status] of [
      ['/auth/refresh', 404],
      ['/auth/ticket', 404],
      ['/auth/login?with=other', 404],
      ['/auth/login?returnTo=//evil.example/', 400],
      ['/auth/callback?code=x&state=y', 400],
    ] as const) {
      const answer = await fetch(`${openid.admin.origin}${path}`, { redirect: 'manual' })
      assert.equal(answer.status, status, path)
      assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    }
    assert.equal((await fetch(`${openid.admin.origin}/auth/logout`)).status, 405)
  })
})

describe('gatehouse login', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-login-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  function gatehouse(t: TestContext, ...args: string[]): CommandProcess {
    const command = new CommandProcess([...args, '--admin', openid.admin.origin], { XDG_STATE_HOME: folder })
    t.after(async () => await command.kill())
    return command
  }

  /** Confirms the code in a browser, as this person. */
  async function confirm(address: string, name: string): Promise<void> {
    const browser = new CookieBrowser()
    const page = await browser.visit(address)
    const field = (form: string, named: string) => new RegExp(`name="${named}" value="([^"]+)"`).exec(form)?.[1] ?? ''
    const [xsrf, user_code] = [field(page.body, 'xsrf'), field(page.body, 'user_code')]
    const form = await browser.visit(page.url, { xsrf, user_code, confirm: 'yes' })
    const done = await browser.visit(form.url, { name })
    assert.match(done.body, /Done/, done.body)
  }

  it('has a code confirmed elsewhere, and the other commands use the login until it ends', async (t) => {
    const door = await startOpenidDoor(openid, t)
    const login = gatehouse(t, 'login')
    const address = await until(
      () => /^Open (http\S+)\nand confirm the code \S+$/m.exec(login.stderr)?.[1],
      'the address to open',
      30_000,
    )

    await confirm(address, 'operator')

    assert.equal((await login.exit()).code, 0, login.stderr)
    assert.match(login.stdout, /^logged in at 127\.0\.0\.1:\d+ as operator$/m)
    assert.equal((await door.line('login-opened'))['subject'], 'operator')
    const file = join(folder, 'gatehouse', 'logins.json')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const kicked = gatehouse(t, 'kick', '--subject', 'nobody', '--reason', 'a test')
    assert.equal((await kicked.exit()).code, 0, kicked.stderr)
    assert.equal(acts(door)[0]?.['actor'], 'operator')
    const logout = gatehouse(t, 'logout')
    assert.equal((await logout.exit()).code, 0, logout.stderr)
    assert.doesNotMatch(readFileSync(file, 'utf8'), /gatehouse-admin/)
    const status = gatehouse(t, 'status')
    assert.equal((await status.exit()).code, 77)
    assert.match(status.stderr, /the gateway does not know you: see gatehouse login/)
  })

  it('G92 is not for pages, and its handle is nothing else', async (t) => {
    await startOpenidDoor(openid, t)
    const ask = async (path: string, init: RequestInit = {}) =>
      await fetch(`${openid.admin.origin}${path}`, { method: 'POST', redirect: 'manual', ...init })
    assert.equal((await ask('/auth/device', { headers: own() })).status, 403)
    const begun = (await (await ask('/auth/device')).json()) as { handle: string; userCode: string }
    const token = async (handle: string) =>
      (await ask('/auth/device/token', { body: new URLSearchParams({ handle }) })).status
    assert.equal(await token(begun.handle), 202)
    assert.equal(await token(begun.userCode), 400)
    const browser = new CookieBrowser()
    const login = await browser.fetch(`${openid.admin.origin}/auth/login`)
    const [pending = ''] = login.headers.getSetCookie()
    const [name = '', sealed = ''] = (pending.split(';')[0] ?? '').split('=')
    assert.equal(await token(sealed), 400)
    const callback = `${openid.admin.origin}/auth/callback?state=&code=x`
    assert.equal((await fetch(callback, { headers: { cookie: `${name}=${begun.handle}` } })).status, 400)
  })
})
