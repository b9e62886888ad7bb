/** docs/getting-started.md, walked in Chromium: its files, its `rabbitmqctl` lines, a RabbitMQ of its own. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { hashPassword } from '../../auth/index.ts'
import { loadConfig } from '../../src/config/reading/load.ts'
import { freePorts } from '../../src/demo/processes.ts'
import type { Rabbit } from '../../src/demo/rabbit.ts'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { type Gateway, startGateway } from '../../src/index.ts'
import { launchChromium } from '../support/chromium.ts'
import { FIRST_STEPS, rabbitmqctlLines } from '../support/first-steps.ts'
import { minifiedHelper } from '../support/gate-code.ts'
import { type OpenidProvider, startOpenidProvider } from '../support/openid-provider.ts'
import { until } from '../support/until.ts'

const PASSWORD = 'welcome'
const client = join(dirname(createRequire(import.meta.url).resolve('@cloudamqp/amqp-client')), '../../dist')

describe('docs/getting-started.md', () => {
  let folder: string
  let rabbit: Rabbit
  let browser: Browser
  let gateway: Gateway | undefined
  let ports: { readonly page: number; readonly gateway: number }
  let provider: OpenidProvider | undefined
  let endServer = async () => {}
  const lines: string[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-first-steps-'))
    const [page = 0, door = 0] = await freePorts(2)
    ports = { page, gateway: door }
    rabbit = await startRabbit({ source: 'private' })
    const secrets = new Map(['smithj', 'webuser'].map((name) => [`secrets/${name}`, randomBytes(16).toString('hex')]))
    await mkdir(join(folder, 'secrets'), { mode: 0o700 })
    for (const [file, secret] of secrets) await writeFile(join(folder, file), `${secret}\n`, { mode: 0o600 })
    for (const line of rabbitmqctlLines((file) => secrets.get(file) ?? '')) await rabbit.ctl(...line)
    for (const name of ['index.html', 'page.js', 'serve.mjs']) await write(`examples/page/${name}`, name)
    await copyFile(join(client, 'amqp-websocket-client.mjs'), join(folder, 'amqp-websocket-client.mjs'))
    await writeFile(join(folder, 'gatehouse.js'), await minifiedHelper())
    await startServer()
    browser = await launchChromium()
  })
  after(async () => {
    await browser.close()
    await endServer()
    await gateway?.close()
    await provider?.stop()
    await rabbit.stop()
    await rm(folder, { recursive: true })
  })

  /** The one for the page that is in the folder. */
  async function startServer(): Promise<void> {
    await endServer()
    const server = spawn(process.execPath, ['serve.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(server, 'close')
    endServer = async () => {
      server.kill()
      await ended
    }
    let said = ''
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await until(() => said.includes('Open http://'), 'the server of the page', 60_000)
  }

  /** Writes one file of the page, with the ports of this run. */
  async function write(block: string, name: string): Promise<void> {
    const text = FIRST_STEPS.get(block) ?? assert.fail(`no block ${block}`)
    const hash = JSON.stringify(await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 }))
    const here = text
      .replaceAll(':5173', `:${ports.page}`)
      .replaceAll('(5173', `(${ports.page}`)
      .replaceAll(':8080', `:${ports.gateway}`)
      .replaceAll('port: 8080', `port: ${ports.gateway}`)
      .replaceAll(':5672', `:${rabbit.port}`)
      .replaceAll('"HASH"', () => hash)
      .replaceAll('https://idp.example.com', provider?.issuer ?? '')
    await writeFile(join(folder, name), here, { mode: 0o600 })
  }

  /** What `check` and `serve` do. */
  async function serve(step: string): Promise<void> {
    await gateway?.close()
    for (const name of ['gatehouse.yaml', 'users.yaml'])
      if (FIRST_STEPS.has(`${step}/${name}`)) await write(`${step}/${name}`, name)
    const loaded = loadConfig(join(folder, 'gatehouse.yaml'))
    assert.deepEqual(loaded.warnings, [])
    gateway = await startGateway(loaded.config, { folder, logTo: { write: (line) => void lines.push(line) } })
  }

  async function logIn(user: string): Promise<Page> {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${ports.page}`)
    await page.fill('[name=user]', user)
    await page.fill('[name=password]', PASSWORD)
    await page.click('#login button')
    return page
  }

  const log = async (page: Page) => (await page.textContent('#log')) ?? ''

  async function says(page: Page, text: string): Promise<void> {
    const heard = async () => {
      if ((await log(page)).includes(text)) return true
      throw new Error(`it says ${await log(page)}, and the gateway ${lines.slice(-5).join('')}`)
    }
    await until(heard, `the page says ${text}`, 30_000)
  }

  async function sendsAndReceives(page: Page, queue: string): Promise<void> {
    await says(page, `connected: ${queue}`)
    await page.fill('[name=text]', 'hello')
    await page.click('#say button')
    await says(page, 'received: hello')
  }

  const users = async () =>
    (await rabbit.ctl('list_connections', 'user')).split('\n').filter((line) => /^\w+$/.test(line))

  it('gives one person a broker user of their own', async () => {
    await serve('first')
    const page = await logIn('joe.smith')
    await sendsAndReceives(page, 'ui.joe%2Esmith.hello')
    assert.ok((await users()).includes('smithj'))
    await page.close()
  })

  it('has several share one, and permissions that let the same page work', async () => {
    await serve('examples/page')
    const page = await logIn('jane.doe')
    await sendsAndReceives(page, 'ui.jane%2Edoe.hello')
    assert.ok((await users()).includes('webuser'))
    await sendsAndReceives(await logIn('joe.smith'), 'ui.joe%2Esmith.hello')
  })

  it('refuses who is no user, and asks once more', async () => {
    const page = await logIn('eve')
    await says(page, 'this login was refused')
    await page.click('#login button')
    await says(page, 'not authenticated: log in again. Reload the page')
  })

  it('logs in at an OpenID provider', async () => {
    const secret = randomBytes(16).toString('hex')
    const publicUrl = `http://127.0.0.1:${ports.page}`
    provider = await startOpenidProvider({
      accessTokenSeconds: 600,
      robotSecret: 'not used',
      robotRoles: [],
      people: { 'jane.doe': { roles: [] } },
      gateway: { publicUrl, secret },
    })
    await writeFile(join(folder, 'secrets/idp'), `${secret}\n`, { mode: 0o600 })
    for (const name of ['index.html', 'page.js', 'serve.mjs']) await write(`examples/openid/${name}`, name)
    await startServer()
    await serve('examples/openid')
    const page = await browser.newPage()
    await page.goto(publicUrl)
    await page.click('#login')
    await page.fill('[name=name]', 'jane.doe')
    await page.click('button')
    await sendsAndReceives(page, 'jane.doe')
    assert.ok((await users()).includes('webuser'))
    await page.click('#logout')
    await says(page, 'logged out')
    await until(async () => !(await users()).includes('webuser'), 'no session of hers')
    assert.ok(await page.isVisible('#login'))
    assert.equal(await page.getAttribute('#provider', 'href'), `${provider.issuer}/session/end?client_id=gatehouse`)
  })

  it('lets somebody log out who may not be there', async () => {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${ports.page}`)
    await page.click('#login')
    await page.fill('[name=name]', 'jane.doe')
    await page.click('button')
    await says(page, 'connected: jane.doe')
    await gateway?.block({ subject: 'jane.doe', for: '1m', reason: 'a test' })
    await until(() => page.isHidden('#say'), 'the end of her session')
    assert.deepEqual([await page.isVisible('#login'), await page.isVisible('#logout')], [false, true])
    await page.click('#logout')
    await until(() => page.isVisible('#login'), 'a way to log in as somebody else')
    assert.ok(await page.isVisible('#provider'))
  })

  it('shows the files of examples as they are', async () => {
    const shown = [...FIRST_STEPS].filter(([name]) => name.startsWith('examples/'))
    assert.equal(shown.length, 9)
    for (const [name, text] of shown) {
      assert.equal(await readFile(join(import.meta.dirname, '../..', name), 'utf8'), text, name)
    }
  })
})
