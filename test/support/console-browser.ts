/** The console in Chromium, in front of a gateway with a user of each role. */
import type { TestContext } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { hashPassword } from '../../auth/index.ts'
import { type Door, type DoorOptions, PASSWORD, startDoor } from './door.ts'

export const ROLES = ['viewer', 'operator', 'administrator'] as const
export type Role = (typeof ROLES)[number]

/** A gateway that `viewer`, `operator` and `administrator` may manage, each as their name says. */
export async function startManaged(
  t: TestContext,
  more: Pick<DoorOptions, 'authenticators'> & { readonly authenticate?: string[] } = {},
): Promise<Door> {
  const password = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })
  const users = Object.fromEntries(['nobody', ...ROLES].map((name) => [name, { password, roles: [`gate-${name}`] }]))
  const roles = Object.fromEntries(ROLES.map((name) => [name, { role: `gate-${name}` }]))
  return await startDoor(
    {
      admin: { port: 0, authenticate: more.authenticate ?? ['ops'], roles },
      authenticators: { ops: { type: 'basic', users }, ...more.authenticators },
    },
    t,
  )
}

export interface OpenedConsole {
  readonly page: Page
  /** What the page complained about, beside the refusal that every login begins with. */
  readonly complaints: readonly string[]
}

export async function openConsole(
  browser: Browser,
  adminUrl: string,
  t: TestContext,
  options: BrowserContextOptions = {},
): Promise<OpenedConsole> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  t.after(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 401/.test(message.text())) complaints.push(message.text())
  })
  await page.goto(`${adminUrl}/console/`)
  return { page, complaints }
}

export async function logIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByLabel('Password').press('Enter')
}

/** Goes to a page of the console by its address, as a link does. */
export async function goTo(page: Page, address: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(address)}`)
}
