/** The console for everybody: axe finds nothing on any page, in both schemes, on wide and narrow screens. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { launchChromium } from '../support/chromium.ts'
import { goTo, logIn, openConsole, startManaged } from '../support/console-browser.ts'
import { basic } from '../support/door.ts'

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly help: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
  }[]
}

describe('the console for everybody', () => {
  let browser: Browser
  let axe: string

  before(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    browser = await launchChromium()
  })
  after(() => browser.close())

  async function judge(page: Page, what: string): Promise<void> {
    const { violations } = await page.evaluate<AxeResult>('axe.run(document)')
    const found = violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary}`),
    )
    assert.deepEqual(found, [], what)
    const overflow = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )
    assert.equal(overflow, 0, `${what} is wider than its window`)
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
        await page.evaluate(axe)
        await judge(page, 'the login')

        await logIn(page, 'administrator')
        for (const name of await page.getByRole('navigation').getByRole('link').allInnerTexts()) {
          await page.getByRole('navigation').getByRole('link', { name }).click()
          await page.getByRole('heading', { name, level: 1 }).waitFor()
          await page.waitForLoadState('networkidle')
          await judge(page, name)
        }
        await goTo(page, '#/sessions?subject=joe.smith')
        await page.getByRole('link', { name: 'joe.smith' }).click()
        await page.getByText('Permissions in force').waitFor()
        await judge(page, 'a session')
        for (const act of ['End session', 'Block person']) {
          await page.getByRole('button', { name: act }).click()
          await page.getByRole('dialog').waitFor()
          await judge(page, act)
          await page.keyboard.press('Escape')
        }
        assert.deepEqual(complaints, [])
      })
    }
  }
})
