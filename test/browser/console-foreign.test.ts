/**
 * Pages of others, in the browser of somebody who manages the gateway and whose password the browser sends by itself: they
 * change nothing and read nothing.
 */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { launchChromium } from '../support/chromium.ts'
import { startManaged } from '../support/console-browser.ts'
import { basic, PASSWORD } from '../support/door.ts'

const EVIL = 'evil.example'

/** Everything a page can make a browser send, at the admin listener; answers what it could read. */
const ATTACK = `async (admin) => {
  const kick = JSON.stringify({ match: { subject: 'joe.smith' }, hold: '0s' })
  const block = JSON.stringify({ subject: 'joe.smith', for: '1h', reason: 'x' })
  const read = (path, options) =>
    fetch(admin + path, { credentials: 'include', ...options }).then((answer) => answer.text(), () => '')
  const event = (target, ...names) =>
    new Promise((resolve) => names.forEach((name) => target.addEventListener(name, () => resolve(name))))
  const image = (path) => {
    const element = new Image()
    const outcome = event(element, 'load', 'error')
    element.src = admin + path
    return outcome
  }
  const form = async () => {
    const frame = Object.assign(document.createElement('iframe'), { name: 'into' })
    document.body.append(frame)
    const element = Object.assign(document.createElement('form'), {
      method: 'post', enctype: 'text/plain', action: admin + '/api/v1/kick', target: 'into',
    })
    // As text/plain this is JSON: {"match":{"subject":"joe.smith"},"reason":"="}
    element.append(Object.assign(document.createElement('input'), {
      name: '{"match":{"subject":"joe.smith"},"reason":"', value: '"}',
    }))
    document.body.append(element)
    const answered = event(frame, 'load')
    element.submit()
    await answered
  }
  const framed = async () => {
    const frame = document.createElement('iframe')
    const answered = event(frame, 'load')
    frame.src = admin + '/console/'
    document.body.append(frame)
    await answered
    try { return frame.contentDocument.body.innerText } catch { return '' }
  }
  await form()
  return {
    texts: await Promise.all([
      read('/api/v1/sessions'),
      read('/api/v1/me', { headers: { 'X-Requested-With': 'XMLHttpRequest' } }),
      read('/api/v1/sessions', { mode: 'no-cors' }),
      read('/api/v1/kick', { method: 'POST', body: kick }),
      read('/api/v1/kick', { method: 'POST', body: kick, mode: 'no-cors' }),
      read('/api/v1/kick', { method: 'POST', body: kick, mode: 'no-cors', headers: { 'Content-Type': 'text/plain' } }),
      read('/api/v1/blocks', { method: 'PUT', body: block, headers: { 'Content-Type': 'application/json' } }),
      read('/console/'),
      framed(),
    ]),
    images: await Promise.all(['/api/v1/sessions', '/console/icon.svg', '/console/'].map(image)),
    events: await event(new EventSource(admin + '/api/v1/events', { withCredentials: true }), 'open', 'error'),
    socket: await event(new WebSocket(admin.replace('http', 'ws') + '/api/v1/events'), 'open', 'error'),
  }
}`

describe('a page of others', () => {
  let browser: Browser
  let others: Server

  before(async () => {
    others = createServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>others</title><body>'),
    )
    await new Promise<void>((resolve) => others.listen(0, '127.0.0.1', resolve))
    browser = await launchChromium([`--host-resolver-rules=MAP ${EVIL} 127.0.0.1`])
  })
  after(async () => {
    await browser.close()
    others.closeAllConnections()
    await new Promise((resolve) => others.close(resolve))
  })

  for (const [what, host] of [
    ['another site', EVIL],
    ['another port of the same machine', '127.0.0.1'],
  ] as const) {
    it(`G75 changes nothing and reads nothing: ${what}`, async (t) => {
      const door = await startManaged(t)
      const joe = await connectAmqplib(door.url(), { websocket: { headers: { authorization: basic() } } })
      const admin = String(door.gateway.adminAddress?.url)
      const context = await browser.newContext({
        httpCredentials: { username: 'operator', password: PASSWORD, origin: admin },
      })
      t.after(() => context.close())
      const page = await context.newPage()
      const shown = await page.goto(`${admin}/api/v1/sessions`)
      assert.equal(shown?.status(), 200, 'the browser sends the password by itself')

      await page.goto(`http://${host}:${(others.address() as AddressInfo).port}/`)
      const outcome = await page.evaluate<{ texts: string[]; images: string[]; events: string; socket: string }>(
        `(${ATTACK})(${JSON.stringify(admin)})`,
      )

      assert.deepEqual([...new Set(outcome.texts)], [''])
      assert.deepEqual(
        [...outcome.images, outcome.events, outcome.socket],
        ['error', 'error', 'error', 'error', 'error'],
      )
      assert.equal(door.gateway.sessionCount, 1)
      const acts = door.lines.filter((line) => String(line['event']).startsWith('admin.') && line['level'] === 'audit')
      assert.ok(acts.length > 0, 'refused writes are in the audit trail')
      assert.deepEqual([...new Set(acts.map((line) => line['outcome']))], ['refused'])
      await joe.connection.close()
    })
  }

  it('G32 reads nothing where its own name leads to the admin listener', async (t) => {
    const door = await startManaged(t)
    const context = await browser.newContext({ httpCredentials: { username: 'administrator', password: PASSWORD } })
    t.after(() => context.close())
    const page = await context.newPage()
    for (const path of [
      '/console/',
      '/console/console.js',
      '/api/v1/me',
      '/api/v1/config',
      '/metrics',
      '/health/ready',
    ]) {
      const answer = await page.goto(`http://${EVIL}:${door.gateway.adminAddress?.port}${path}`)
      assert.equal(answer?.status(), 421, path)
      assert.match(await page.content(), /does not answer to/)
    }
  })
})
