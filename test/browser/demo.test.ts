/** The demo, as somebody sees it who opens its page: real broker, real gateway, unmodified client, real browser. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type Demo, startDemo } from '../../src/demo/demo.ts'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { launchChromium } from '../support/chromium.ts'
import { until } from '../support/until.ts'

describe('the demo', () => {
  let demo: Demo
  let browser: Browser
  let page: Page
  /** What the page complained about, beside the refusals that browsers always report. */
  let complaints: string[]

  before(async () => {
    const rabbit = await startRabbit({ source: 'private' })
    demo = await startDemo({ port: 0, rabbit, say: () => undefined })
    browser = await launchChromium()
  })
  after(async () => {
    await browser.close()
    await demo.close()
    await demo.rabbit.stop()
  })
  beforeEach(async () => {
    page = await openPage()
  })
  afterEach(async () => {
    await page.context().close()
    assert.deepEqual(complaints, [])
  })

  async function openPage(): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1180, height: 900 } })
    const opened = await context.newPage()
    complaints = []
    opened.on('pageerror', (error) => complaints.push(error.message))
    opened.on('console', (message) => {
      if (message.type() === 'error' && !/status of 401/.test(message.text())) complaints.push(message.text())
    })
    await opened.goto(demo.url)
    return opened
  }

  async function logIn(person: string, on = page): Promise<void> {
    await on.getByRole('radio', { name: person }).check()
    await on.getByRole('button', { name: 'Log in and connect' }).click()
    await on.getByRole('heading', { name: 'Who is connected' }).waitFor()
  }

  async function publish(text: string): Promise<void> {
    await page.locator('#text').fill(text)
    await page.getByRole('button', { name: 'Publish', exact: true }).click()
  }

  const messages = (on = page) => on.locator('#messages li')
  const promoted = (on = page) =>
    until(async () => {
      const shown = await on.locator('#promoted').innerText()
      return shown === '…' ? undefined : shown
    }, 'the broker user')

  async function attempt(title: string): Promise<Record<string, string>> {
    await page.getByRole('button', { name: title }).click()
    await page.locator('#outcome').waitFor()
    const terms = await page.locator('#outcome dt').allInnerTexts()
    const texts = await page.locator('#outcome dd').allInnerTexts()
    return Object.fromEntries(terms.map((term, index) => [term, texts[index] ?? '']))
  }

  it('connects joe.smith as smithj, whatever the AMQP client claims', async () => {
    await logIn('joe.smith')

    assert.equal(await promoted(), 'smithj')
    assert.equal(await page.locator('#claimed').innerText(), 'administrator')
    assert.equal(await page.locator('#subject').innerText(), 'joe.smith')
    assert.match(await page.locator('#connection-name').innerText(), /^joe\.smith 127\.0\.0\.1 → smithj(?: "[^"]+")?$/)
  })

  it('shows what is published, and who really sent it', async () => {
    await logIn('joe.smith')

    await publish('buy 7 ACME')

    const message = messages().first()
    await message.getByText('buy 7 ACME').waitFor()
    assert.match(await message.innerText(), /joe\.smith broker user smithj/)
  })

  it('keeps two traders apart who share a broker user', async () => {
    await logIn('ada.jones')
    const other = await openPage()
    await logIn('bob.miller', other)

    await publish('from ada')

    await messages(other).first().getByText('from ada').waitFor()
    assert.match(await messages(other).first().innerText(), /ada\.jones broker user webuser/)
    assert.deepEqual([await promoted(), await promoted(other)], ['webuser', 'webuser'])
    await other.context().close()
  })

  it('refuses a wrong password by HTTP, without a dialog', async () => {
    const outcome = await attempt('Log in with a wrong password')

    assert.match(outcome['HTTP'] ?? '', /^401 /)
  })

  it('tells a client without a login in AMQP and by the WebSocket code', async () => {
    const outcome = await attempt('Connect without logging in')

    assert.match(outcome['AMQP'] ?? '', /ACCESS_REFUSED .*\(403\)/)
    assert.match(outcome['WebSocket'] ?? '', /^4401 /)
  })

  it('refuses somebody whom no rule promotes', async () => {
    const outcome = await attempt('Connect as somebody whom no rule promotes')

    assert.match(outcome['AMQP'] ?? '', /ACCESS_REFUSED .*\(403\)/)
    assert.match(outcome['WebSocket'] ?? '', /^4403 /)
  })

  it('shows the same refusal to whoever logs in at the page', async () => {
    await page.getByRole('radio', { name: 'eve.visitor' }).check()
    await page.getByRole('button', { name: 'Log in and connect' }).click()

    await page.getByRole('alert').getByText('(WebSocket 4403)').waitFor()
  })

  for (const title of ['Publish under somebody else’s key', 'Delete the exchange']) {
    it(`closes only the channel: ${title}`, async () => {
      await logIn('joe.smith')

      const outcome = await attempt(title)

      assert.match(outcome['AMQP'] ?? '', /ACCESS_REFUSED .*joe\.smith.*\(403\)/)
      await publish('still here')
      await messages().first().getByText('still here').waitFor()
    })
  }

  it('replaces forged signatures', async () => {
    await logIn('ada.jones')

    await attempt('Sign a message as the boss')

    await messages().first().getByText('sell everything').waitFor()
    assert.match(await messages().first().innerText(), /ada\.jones broker user webuser/)
  })

  it('ends the broker connection on logging out', async () => {
    await logIn('joe.smith')
    await promoted()

    await page.getByRole('button', { name: 'Log out' }).click()

    await page.getByRole('button', { name: 'Log in and connect' }).waitFor()
    await until(async () => (await page.locator('#connections').innerText()) === 'nobody', 'no connection in the table')
  })

  const focused = () =>
    page.evaluate('document.activeElement.name || document.activeElement.id || document.activeElement.tagName')

  it('forgets what was refused to one person when another one logs in', async () => {
    await logIn('joe.smith')
    await attempt('Delete the exchange')

    await page.getByRole('button', { name: 'Log out' }).click()
    await logIn('ada.jones')

    assert.equal(await page.locator('#outcome').isHidden(), true)
  })

  it('keeps the focus where somebody at the keyboard goes on', async () => {
    await page.locator('#password').fill('wrong')
    await page.getByRole('button', { name: 'Log in and connect' }).press('Enter')
    await page.getByRole('alert').getByText('(HTTP 401)').waitFor()
    await until(async () => (await focused()) === 'password', 'the focus in the password')

    await page.locator('#password').fill('welcome')
    await logIn('joe.smith')
    assert.equal(await focused(), 'identity-title')
    const misdeed = page.getByRole('button', { name: 'Delete the exchange' })
    await misdeed.press('Enter')
    await page.locator('#outcome').waitFor()
    const text = () => page.evaluate('document.activeElement.textContent')
    await until(async () => String(await text()).startsWith('Delete the exchange'), 'the focus on the button')

    await page.getByRole('button', { name: 'Log out' }).press('Enter')
    await page.getByRole('button', { name: 'Log in and connect' }).waitFor()
    assert.equal(await focused(), 'person')
  })

  it('explains the word that stands for a name in keys', async () => {
    await logIn('joe.smith')

    assert.match(await page.locator('#word-note').innerText(), /joe\.smith is written\s+joe%2Esmith/)
  })

  it('shows no connection that it knows nothing about any more', async () => {
    await logIn('joe.smith')
    await promoted()

    await page.route('**/broker/connections', (route) => route.abort())

    await page.locator('#connections').getByText('not known').waitFor()
    // The browser itself reports requests that fail.
    complaints = []
    await page.unroute('**/broker/connections')
    await page.locator('#connections').getByText('joe.smith').first().waitFor()
    complaints = []
  })

  it('leads operators to the console', async () => {
    const [opened] = await Promise.all([
      page.context().waitForEvent('page'),
      page.getByRole('link', { name: 'console' }).click(),
    ])

    await opened.getByLabel('Name').fill('olivia.ops')
    await opened.getByLabel('Password').fill('welcome')
    await opened.getByRole('button', { name: 'Log in' }).click()
    await opened.getByRole('navigation').getByRole('link', { name: 'Configuration' }).waitFor()
  })

  it('can be used on a small screen, and shows nothing wider than it', async () => {
    await page.setViewportSize({ width: 360, height: 740 })
    await logIn('joe.smith')
    await promoted()

    const overflow = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )

    assert.equal(overflow, 0)
  })

  it('refuses requests that call it by another name', async () => {
    const answer = await page.request.get(demo.url, { headers: { host: 'evil.example' } })

    assert.equal(answer.status(), 421)
  })
})
