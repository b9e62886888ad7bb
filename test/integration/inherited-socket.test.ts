/**
 * A restart without a shut port: two gateway processes share a listening socket that neither of them has opened. The old one
 * stops and drains while the next one takes whoever connects; nobody is refused, and nobody waits long.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { type FakeBroker, startFakeBroker } from '../support/fake-broker.ts'
import { SocketHolder } from '../support/socket-holder.ts'
import { until } from '../support/until.ts'

const LONGEST_WAIT_MS = 2_000
/** Clients that connect at the same time, each again as soon as it is in. */
const VISITORS = 8

let broker: FakeBroker
let folder: string
before(async () => {
  broker = await startFakeBroker()
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-socket-'))
})
after(async () => {
  await broker.close()
  await rm(folder, { recursive: true, force: true })
})

async function configFile(port: number, listen = `{ host: 127.0.0.1, port: ${port} }`): Promise<string> {
  const file = join(folder, `gatehouse-${port}.yaml`)
  const text = `
listen: ${listen}
brokers: { main: { urls: ["${broker.url}"], credentials: { webuser: { username: webuser, password: { env: WEBUSER } } } } }
services:
  - { path: /amqp, broker: main, vhost: /, anonymous: true, promote: [{ to: webuser }], limits: { handshakesPerAddress: 500 } }
drain: 500ms
`
  await writeFile(file, text, { mode: 0o600 })
  return file
}

async function holder(t: TestContext): Promise<SocketHolder> {
  const started = await SocketHolder.start()
  t.after(() => started.stop())
  return started
}

/** Connects, is upgraded, and leaves; the time until the upgrade's answer. */
async function visit(port: number): Promise<number> {
  const sinceMs = performance.now()
  const socket = new WebSocket(`ws://127.0.0.1:${port}/amqp`, ['amqp'])
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, response) => reject(new Error(`answered ${response.statusCode}`)))
  })
  socket.on('error', () => undefined)
  socket.terminate()
  return performance.now() - sinceMs
}

describe('an inherited socket', () => {
  it('hands over from process to process, and refuses nobody', async (t) => {
    const shared = await holder(t)
    const file = await configFile(shared.port)
    const env = { WEBUSER: 'secret' }
    shared.launch('process 0', ['serve', '-c', file], env)
    await shared.event('process 0', 'gateway-started')

    const waits: number[] = []
    const failures: string[] = []
    let isOver = false
    const visitors = Array.from({ length: VISITORS }, async () => {
      while (!isOver) {
        await visit(shared.port).then(
          (waitMs) => waits.push(waitMs),
          (error: unknown) => failures.push(String(error)),
        )
      }
    })
    for (const turn of [1, 2]) {
      shared.launch(`process ${turn}`, ['serve', '-c', file], env)
      await shared.event(`process ${turn}`, 'gateway-started')
      const count = waits.length
      shared.signal(`process ${turn - 1}`, 'SIGTERM')
      assert.equal(await shared.code(`process ${turn - 1}`), 0)
      await until(() => waits.length > count + 2 * VISITORS, 'visitors of the next process')
    }
    isOver = true
    await Promise.all(visitors)

    assert.deepEqual(failures, [])
    assert.ok(Math.max(...waits) <= LONGEST_WAIT_MS, `the longest of ${waits.length} waited ${Math.max(...waits)} ms`)
    t.diagnostic(`${waits.length} connections, the longest waited ${Math.round(Math.max(...waits))} ms`)
  })

  it('lets who has connected to the old process still in', async (t) => {
    const shared = await holder(t)
    const file = await configFile(shared.port)
    shared.launch('old', ['serve', '-c', file], { WEBUSER: 'secret' })
    await shared.event('old', 'gateway-started')
    const early = connect(shared.port, '127.0.0.1')
    t.after(() => early.destroy())
    let text = ''
    early.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
    })
    early.on('error', () => undefined)
    early.write('GET /amqp HTTP/1.1\r\nHost: x\r\n')
    // A connection behind it has been served, and so this one was taken, too.
    await visit(shared.port)

    shared.signal('old', 'SIGTERM')
    await shared.event('old', 'gateway-draining')
    const head = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
    early.write(`${head}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: amqp\r\n\r\n`)

    await until(() => text.includes('\r\n\r\n'), 'the answer to the upgrade')
    assert.match(text, /^HTTP\/1\.1 101 /)
    assert.equal(await shared.code('old'), 0)
  })

  it('that no listener has is a mistake that says so', async (t) => {
    const shared = await holder(t)
    const file = await configFile(shared.port, '{ host: 127.0.0.1, port: 0 }')
    shared.launch('one', ['serve', '-c', file], { WEBUSER: 'secret', LISTEN_FDNAMES: 'gatehouse.socket' })
    assert.equal(await shared.code('one'), 78)
    const expected = `listen: the inherited socket "gatehouse.socket" is bound to 127.0.0.1 port ${shared.port}, which is no entry here`
    assert.ok(shared.output('one').includes(expected), shared.output('one'))
  })
})
