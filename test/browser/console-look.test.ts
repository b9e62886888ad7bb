/** The console for everybody: axe finds nothing on any page, in both schemes, on wide and narrow screens. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { launchChromium } from '../support/chromium.ts'
import { goTo, logIn, openConsole, startManaged } from '../support/console-browser.ts'
import { basic } from '../support/door.ts'

describe('the console for everybody', () => {
  let browser: Browser

  before(async () => {
    browser = await launchChromium()
  })
  after(() => browser.close())

  /** What is wrong with the page as it is now. */
  async function findings(page: Page, what: string): Promise<string[]> {
    const { violations } = await page.evaluate<axe.AxeResults>('axe.run(document)')
    const found = violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html }) => `${what}: ${id}: ${help}: ${html}`),
    )
    const overflow = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )
    return overflow > 0 ? [...found, `${what} is ${overflow} px wider than its window`] : found
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 390]) {
      it(`is well made, ${colorScheme}, ${width} px wide`, async (t) => {
        const door = await startManaged(t)
        const headers = { authorization: basic() }
        await connectAmqplib(door.url(), { websocket: { headers } })
        await connectAmqplib(door.url(), { websocket: { headers: { authorization: basic('guest') } } }).catch(() => {})
        const url = String(door.gateway.adminAddress?.url)
        const { page, complaints } = await openConsole(browser, url, t, {
          colorScheme,
          viewport: { width, height: 800 },
          reducedMotion: 'reduce',
        })
        await page.getByLabel('Password').waitFor()
        await page.evaluate(axe.source)
        const found = await findings(page, 'the login')

        await logIn(page, 'administrator')
        for (const name of await page.getByRole('navigation').getByRole('link').allInnerTexts()) {
          await page.getByRole('navigation').getByRole('link', { name }).click()
          await page.getByRole('heading', { name, level: 1 }).waitFor()
          await page.waitForLoadState('networkidle')
          found.push(...(await findings(page, name)))
        }
        await goTo(page, '#/sessions?subject=joe.smith')
        await page.getByRole('link', { name: 'joe.smith' }).click()
        await page.getByText('Permissions in force').waitFor()
        found.push(...(await findings(page, 'a session')))
        for (const act of ['End session', 'Block person']) {
          await page.getByRole('button', { name: act }).click()
          await page.getByRole('dialog').waitFor()
          found.push(...(await findings(page, act)))
          await page.keyboard.press('Escape')
        }
        assert.deepEqual([...found, ...complaints], [])
      })
    }
  }
})
