/** The programs of examples/, as they stand, in processes of their own. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import { freePorts } from '../../src/demo/processes.ts'
import { type Gateway, startGateway } from '../../src/index.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { until, within } from '../support/until.ts'

const examples = join(import.meta.dirname, '../../examples')

class Example {
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown[]>
  text = ''

  /** @param args of node; the example's name among them */
  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    const { NODE_TEST_CONTEXT: _ours, ...own } = process.env
    this.#child = spawn(process.execPath, args, { cwd: examples, env: { ...own, ...env }, stdio: 'pipe' })
    this.#closed = once(this.#child, 'close')
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.text += text
      })
    }
  }

  /** Waits until it has written that for the n-th time. */
  async says(line: string, times = 1): Promise<void> {
    await until(() => this.text.split(line).length > times || Promise.reject(new Error(this.text)), line, 30_000)
  }

  async exitCode(): Promise<unknown> {
    const [code] = await within(this.#closed, 'the end of the example', 60_000)
    return code
  }

  end(): void {
    this.#child.kill('SIGTERM')
  }
}

describe('examples/program/worker.mjs', () => {
  it('works off its queue, and goes on after the gateway was away', async (t) => {
    const broker = await testBroker()
    t.after(() => broker.stop())
    const [port = 0] = await freePorts(1)
    let gateway = await gatewayFor(broker, port)
    t.after(() => gateway.close())
    const judge = await (await broker.judge()).createConfirmChannel()
    const send = async (task: string) => {
      judge.sendToQueue('tasks', Buffer.from(task))
      await judge.waitForConfirms()
    }

    const login = { GATEHOUSE_URL: `ws://127.0.0.1:${port}/amqp`, GATEHOUSE_LOGIN: 'worker:welcome' }
    const worker = new Example(['program/worker.mjs'], login)
    t.after(() => worker.end())
    await worker.says('connected')
    await until(async () => (await broker.queue('tasks'))?.consumers === 1, 'the worker consumes')
    await send('first')
    await worker.says('done: first')

    await gateway.close()
    await worker.says('disconnected')
    await send('second')
    gateway = await gatewayFor(broker, port)
    await worker.says('done: second')

    worker.end()
    assert.equal(await worker.exitCode(), 0)
    assert.deepEqual(await broker.queue('tasks'), { messages: 0, consumers: 0 })
  })
})

async function gatewayFor(broker: TestBroker, port: number): Promise<Gateway> {
  const password = await hashPassword('welcome', { ln: 10, r: 8, p: 1 })
  const config = {
    listen: { host: '127.0.0.1', port },
    brokers: { main: { urls: [broker.url], credentials: { worker: await broker.user('worker') } } },
    authenticators: { programs: { type: 'basic' as const, users: { worker: { password } } } },
    services: [
      { path: '/amqp', broker: 'main', vhost: broker.vhost, authenticate: ['programs'], promote: [{ to: 'worker' }] },
    ],
    drain: '0s',
  }
  return await startGateway(config, { logTo: { write: () => undefined } })
}

describe('examples/suite/orders.test.mjs', () => {
  it('passes', async (t) => {
    const broker = await testBroker()
    t.after(() => broker.stop())
    const suite = new Example(['--import', 'tsx', '--test', 'suite/orders.test.mjs'], {
      // In this repository the package is its sources.
      TSX_TSCONFIG_PATH: join(import.meta.dirname, '../support/examples-tsconfig.json'),
      BROKER_URL: broker.addressFor(await broker.user('tester')),
    })

    assert.equal(await suite.exitCode(), 0, suite.text)
    assert.match(suite.text, /(?:#|ℹ) pass 3\b/)
  })

  it('is what docs/testing.md shows', async () => {
    const page = await readFile(join(examples, '../docs/testing.md'), 'utf8')
    const [, shown] = /^<!-- file: examples\/suite\/orders\.test\.mjs -->\n```js\n(.*?)^```$/ms.exec(page) ?? []
    assert.equal(shown, await readFile(join(examples, 'suite/orders.test.mjs'), 'utf8'))
  })
})
