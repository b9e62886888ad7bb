/** examples/react in Chromium, as a bundler makes it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { PASSWORD } from '../support/door.ts'
import { Front } from '../support/front.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '../..')
const HTML =
  '<!doctype html><title>App</title><link rel="icon" href="data:,"><div id="app"></div><script src="app.js"></script>'

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'examples/react/app.jsx')],
    bundle: true,
    write: false,
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    alias: { 'amqp-gatehouse/browser': join(root, 'browser/gatehouse.ts') },
  })
  return outputFiles[0]?.text ?? assert.fail('nothing was bundled')
}

describe('examples/react', () => {
  let front: Front
  let live: LiveGateway
  let browser: Browser
  let page: Page
  before(async () => {
    const app = { type: 'text/javascript', body: '' }
    front = new Front({ '/': { type: 'text/html', body: HTML }, '/app.js': app })
    await front.start()
    live = await startLiveGateway({ origins: [front.origin] })
    app.body = (await bundled()).replace('ws://127.0.0.1:8080/amqp', live.url())
    browser = await launchChromium()
    page = await browser.newPage()
    await page.goto(front.origin)
  })
  after(async () => {
    await browser.close()
    await live.stop()
    front.stop()
  })

  async function logIn(password: string): Promise<void> {
    await page.fill('[name=user]', 'joe.smith')
    await page.fill('[name=password]', password)
    await page.click('button')
  }
  const says = (text: string) => page.waitForSelector(`text=${text}`, { timeout: 30_000 })

  it('asks who somebody is, and again where that was refused', async () => {
    await logIn('wrong')
    await says('This login was refused.')
    await logIn(PASSWORD)
    await page.fill('[name=text]', 'hello')
    await page.click('button:not([disabled])')
    await page.waitForSelector('pre >> text=hello')
  })

  it('says that it is over when its person is blocked, and begins again when somebody wants it', async () => {
    await live.gateway.block({ subject: 'joe.smith', for: '3s', reason: 'a new contract' })
    await says('this login is blocked')
    assert.equal(live.gateway.sessionCount, 0)
    await until(async () => {
      if (await page.isVisible('text=Begin again')) await page.click('text=Begin again')
      return live.gateway.sessionCount === 1
    }, 'the block is over')
    await page.fill('[name=text]', 'back')
    await page.click('button:not([disabled])')
    await page.waitForSelector('pre >> text=back')
  })
})
