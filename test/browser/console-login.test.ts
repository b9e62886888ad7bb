/** The console with an OpenID login: real gateway, real provider, real browser. And the pages of logins that fail. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { launchChromium } from '../support/chromium.ts'
import { openConsole } from '../support/console-browser.ts'
import { basic } from '../support/door.ts'
import { type ManagedByOpenid, startOpenid, startOpenidDoor, stopOpenid } from '../support/managed-by-openid.ts'

describe('the console with an OpenID login', () => {
  let browser: Browser
  let openid: ManagedByOpenid

  before(async () => {
    openid = await startOpenid()
    browser = await launchChromium()
  })
  after(async () => {
    await browser.close()
    await stopOpenid(openid)
  })

  /** Fills in the provider's form. */
  async function logInAs(page: Page, name: string): Promise<void> {
    await page.getByRole('link', { name: 'Log in by sso' }).click()
    await page.waitForURL(`${openid.provider.issuer}/**`)
    await page.fill('input[name=name]', name)
    await page.click('button')
  }

  async function opened(t: TestContext) {
    return await openConsole(browser, openid.admin.origin, t)
  }

  it('leads through the provider and back to where one was, and acts as that person', async (t) => {
    const door = await startOpenidDoor(openid, t)
    const headers = { authorization: basic() }
    const joe = await connectAmqplib(door.url(), { websocket: { headers } })
    const gone = new Promise((resolve) => joe.connection.once('close', resolve))
    const { page, complaints } = await opened(t)
    await page.evaluate("location.hash = '#/sessions?subject=joe.smith'")

    await logInAs(page, 'operator')

    await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor()
    assert.equal(page.url(), `${openid.admin.origin}/console/#/sessions?subject=joe.smith`)
    await page.getByRole('banner').getByText('operator').first().waitFor()
    await page.getByRole('link', { name: 'joe.smith' }).click()
    await page.getByRole('button', { name: 'End session' }).click()
    await page.getByLabel('Reason').fill('a test')
    await page.getByLabel('Reason').press('Enter')
    await gone
    assert.equal((await door.line('admin.kick'))['actor'], 'operator')
    // The session that is shown is no more.
    const unexpected = complaints.filter((text) => !/status of 404/.test(text))
    assert.deepEqual(unexpected, [])
    assert.equal(await page.evaluate('document.cookie'), '', 'no script can read the cookie')
  })

  it('outlives a reload of the page, and ends with Log out', async (t) => {
    await startOpenidDoor(openid, t)
    const { page } = await opened(t)
    await logInAs(page, 'viewer')
    await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()

    await page.getByRole('button', { name: 'Log out' }).click()

    const elsewhere = page.getByRole('link', { name: 'log out there, too' })
    assert.match((await elsewhere.getAttribute('href')) ?? '', /\/session\/end/)
    await page.reload()
    await page.getByRole('link', { name: 'Log in by sso' }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Log in' }).count(), 0, 'there is no other way')
  })

  it('stands beside a password, and says who has no role', async (t) => {
    await startOpenidDoor(openid, t, { authenticate: ['staff'] })
    const { page } = await opened(t)
    await page.getByLabel('Password').waitFor()
    await page.evaluate(axe.source)
    const { violations } = await page.evaluate<axe.AxeResults>('axe.run(document)')
    assert.deepEqual(
      violations.map(({ help }) => help),
      [],
    )
    await logInAs(page, 'nobody')
    await page.getByRole('alert').getByText('You are known, but this needs the role viewer').waitFor()
  })

  for (const [where, start] of [
    ['the console', () => `${openid.admin.origin}/auth/login?returnTo=/console/%23/rules`],
    ['a service', () => `${openid.app.origin}/auth/login?returnTo=/health/live`],
  ] as const) {
    it(`says in plain words that a login was cancelled, and tries again: ${where}`, async (t) => {
      const door = await startOpenidDoor(openid, t)
      const context = await browser.newContext({ colorScheme: 'dark', viewport: { width: 390, height: 700 } })
      t.after(() => context.close())
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', (message) => void (/Content Security/.test(message.text()) && complaints.push(message.text())))
      await page.goto(start())

      await page.fill('input[name=name]', 'somebody unknown')
      await page.click('button')

      await page.getByRole('heading', { name: 'You are not logged in', level: 1 }).waitFor()
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate<axe.AxeResults>('axe.run(document)')
      assert.deepEqual(
        violations.map(({ help }) => help),
        [],
      )
      assert.deepEqual(complaints, [])
      const text = await page.content()
      assert.doesNotMatch(text, /state=|code=|error_description|CANARY/)
      assert.match(String((await door.line('authentication-refused'))['detail']), /access_denied/)
      await page.getByRole('link', { name: 'Try again' }).click()
      await page.waitForURL(`${openid.provider.issuer}/**`)
      await page.fill('input[name=name]', 'viewer')
      await page.click('button')
      await page.waitForURL((url) => url.pathname !== '/auth/callback' && !url.href.startsWith(openid.provider.issuer))
      assert.match(page.url(), where === 'a service' ? /\/health\/live$/ : /\/console\/#\/rules$/)
    })
  }

  it('leads to the page of the operator where there is one, and answers programs in JSON', async (t) => {
    await startOpenidDoor(openid, t, { login: { errorUrl: '/auth/whoami?from=login' } })
    const url = `${openid.app.origin}/auth/callback?code=x&state=y`
    const asBrowser = await fetch(url, { headers: { accept: 'text/html' }, redirect: 'manual' })
    assert.equal(asBrowser.status, 303)
    assert.equal(asBrowser.headers.get('location'), `${openid.app.origin}/auth/whoami?from=login&reason=unknown`)
    const asProgram = await fetch(url, { headers: { accept: 'application/json' }, redirect: 'manual' })
    assert.equal(asProgram.status, 400)
    assert.equal(((await asProgram.json()) as Record<string, unknown>)['reason'], 'unknown')
    // That page is one for users: people who manage read the gateway's own.
    const atAdmin = await fetch(url.replace(openid.app.origin, openid.admin.origin), {
      headers: { accept: 'text/html' },
    })
    assert.match(await atAdmin.text(), /There is no login to finish/)
    assert.match(atAdmin.headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'sha256-/)
  })
})
