/** The private broker: what it listens on, that it can be killed and restarted, and that nothing of it stays. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { dirname } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { accepts } from '../../src/demo/rabbit.ts'
import { type Rabbit, startRabbit } from '../../src/demo/rabbitmq.ts'
import { SOURCE_OPTIONS } from '../support/source-options.ts'
import { until } from '../support/until.ts'

const exists = (path: string) =>
  stat(path)
    .then(() => true)
    .catch(() => false)

describe('startRabbit', () => {
  let rabbit: Rabbit
  before(async () => {
    rabbit = await startRabbit({ source: 'private' })
  })
  after(() => rabbit.stop())

  it('listens on loopback only: AMQP, management, distribution and epmd', async () => {
    const environment = await rabbit.evaluate('{os:getenv("ERL_EPMD_PORT"), os:getenv("RABBITMQ_DIST_PORT")}.')
    const own = [...environment.matchAll(/\d+/g)].map(Number)
    const ports = [rabbit.port, Number(new URL(rabbit.management.url).port), ...own]
    const outside = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')

    for (const port of ports) {
      assert.equal(await accepts('127.0.0.1', port), true, `port ${port} on loopback`)
      for (const { address } of outside) assert.equal(await accepts(address, port), false, `port ${port} at ${address}`)
    }
    assert.equal(ports.length, 4)
  })

  it('comes back on the same port with its data after a kill', async () => {
    await rabbit.management.addVhost('kept')
    await rabbit.halt('SIGKILL')
    assert.equal(await accepts(rabbit.host, rabbit.port), false)

    await rabbit.restart()

    const vhosts = (await rabbit.management.request('GET', '/api/vhosts')) as { name: string }[]
    assert.deepEqual(vhosts.map(({ name }) => name).sort(), ['/', 'kept'])
  })

  it('says what rabbitmqctl said when it fails', async () => {
    await assert.rejects(rabbit.ctl('delete_vhost', 'nowhere'), /rabbitmqctl delete_vhost nowhere failed with \d+:/)
  })

  it('shows the log of a broker that does not start', async () => {
    const failed = startRabbit({ source: 'private', config: ['no_such_key = 1'] })

    await assert.rejects(failed, /rabbitmq-server ended while starting; it logged:[\s\S]*no_such_key/)
  })
})

const OWNER = `
import { startRabbit } from './src/demo/rabbitmq.ts'
const rabbit = await startRabbit({ source: 'private' })
console.log(JSON.stringify({ logFile: rabbit.logFile, port: rabbit.port }))
setInterval(() => undefined, 1_000)
`

describe('a broker whose owner is gone', () => {
  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    it(`ends with it, and its folder too (${signal})`, async () => {
      const owner = spawn(process.execPath, [...SOURCE_OPTIONS, '--input-type=module', '--eval', OWNER], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [line] = (await once(owner.stdout, 'data')) as [Buffer]
      const { logFile, port } = JSON.parse(line.toString()) as { logFile: string; port: number }

      owner.kill(signal)

      await until(async () => !(await accepts('127.0.0.1', port)), 'the broker gone')
      await until(async () => !(await exists(dirname(dirname(logFile)))), 'its folder gone')
    })
  }
})

describe('RABBITMQ_URL', () => {
  it('is refused with advice when nobody answers there', async () => {
    const env = {
      ...process.env,
      RABBITMQ_URL: 'amqp://joe:CANARY@127.0.0.1:1',
      RABBITMQ_MANAGEMENT_URL: 'http://127.0.0.1:1',
    }

    await assert.rejects(startRabbit({ env }), (error: Error) => {
      assert.match(error.message, /does not answer as the management API/)
      assert.doesNotMatch(String(error), /CANARY/)
      return true
    })
  })

  it('must be an amqp URL', async () => {
    await assert.rejects(startRabbit({ env: { RABBITMQ_URL: 'localhost' } }), /RABBITMQ_URL is no URL/)
    await assert.rejects(startRabbit({ env: { RABBITMQ_URL: 'http://localhost' } }), /expected amqp:/)
  })
})
