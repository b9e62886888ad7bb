/**
 * A page with the unmodified @cloudamqp/amqp-client in headless Chromium, served on loopback from an origin of its own,
 * as pages are. The scenarios it can run are in test/browser/page/scenarios.js.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { CLAIMED, type LiveGateway } from './live-gateway.ts'
import { within } from './until.ts'

const requireFrom = createRequire(import.meta.url)
const CLIENT = join(dirname(requireFrom.resolve('@cloudamqp/amqp-client')), '../../dist/amqp-websocket-client.mjs')
const SCENARIOS = fileURLToPath(new URL('../browser/page/scenarios.js', import.meta.url))

const HTML = `<!doctype html><title>client</title><script type="module">
import * as scenarios from '/scenarios.js'
globalThis.scenarios = scenarios
</script>`

export class ClientPage {
  readonly #server: Server
  readonly #browser: Browser
  #page: Page | undefined
  /** What the page threw and nobody caught. */
  readonly errors: string[] = []

  constructor(server: Server, browser: Browser) {
    this.#server = server
    this.#browser = browser
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The page's origin, for the service's list. */
  get origin(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** The same page under a name that the service does not list. */
  get foreignOrigin(): string {
    return `http://localhost:${this.#port}`
  }

  /** Loads the page in a fresh tab and tells it where the gateway is. */
  async load(live: LiveGateway, origin = this.origin): Promise<void> {
    this.#page = await this.#browser.newPage()
    this.#page.on('pageerror', (error) => this.errors.push(error.message))
    await this.#page.goto(origin)
    await this.#page.waitForFunction('globalThis.scenarios !== undefined')
    await this.call('configure', { http: live.http(''), ws: live.url(), claimed: CLAIMED })
  }

  /** Runs a scenario and returns what it returned. @throws what it threw, or after `deadlineMs` */
  async call<T>(scenario: string, ...args: readonly unknown[]): Promise<T> {
    if (this.#page === undefined) throw new Error('no page is loaded')
    const text = args.map((arg) => (arg === undefined ? 'undefined' : JSON.stringify(arg))).join(', ')
    return within(this.#page.evaluate(`scenarios.${scenario}(${text})`) as Promise<T>, `scenario ${scenario}`, 30_000)
  }

  async stop(): Promise<void> {
    await this.#browser.close()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Starts the browser and the page's server. */
export async function startClientPage(): Promise<ClientPage> {
  const files = new Map([
    ['/', { type: 'text/html; charset=utf-8', bytes: Buffer.from(HTML) }],
    ['/amqp-client.mjs', { type: 'text/javascript', bytes: await readFile(CLIENT) }],
    ['/scenarios.js', { type: 'text/javascript', bytes: await readFile(SCENARIOS) }],
  ])
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '')
    if (file === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': file.type }).end(file.bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return new ClientPage(server, await launchChromium())
}
