/** What a gateway does that runs short: of file descriptors, and of memory for what waits. In a process of its own. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import type { ConfigInput } from '../../src/index.ts'
import { type BrokerUser, type TestBroker, testBroker } from '../support/broker.ts'
import { BINARY, Flooder, webSocketFrame } from '../support/flooder.ts'
import { type MeasuredGateway, startMeasuredGateway } from '../support/measured-gateway.ts'
import { until } from '../support/until.ts'

const AUTHORIZATION = `Basic ${Buffer.from('joe.smith:welcome').toString('base64')}`
const MIB = 1024 * 1024

describe('a gateway that runs short', () => {
  let broker: TestBroker
  let user: BrokerUser
  let config: ConfigInput
  let gateway: MeasuredGateway | undefined

  before(async () => {
    broker = await testBroker()
    user = await broker.user('webuser')
    config = {
      listen: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      brokers: { main: { urls: [broker.url] } },
      authenticators: {
        staff: { type: 'basic', users: { 'joe.smith': { password: await hashPassword('welcome') } } },
      },
      services: [
        { path: '/amqp', broker: 'main', vhost: broker.vhost, authenticate: ['staff'], promote: [{ to: { ...user } }] },
      ],
    }
  })
  afterEach(async () => {
    await gateway?.stop()
    gateway = undefined
  })
  after(() => broker.stop())

  function target() {
    return { url: gateway?.url ?? '', authorization: AUTHORIZATION }
  }

  async function upgrade(): Promise<string> {
    const flooder = new Flooder(target())
    const outcome = await flooder.upgrade(target()).then(
      () => '101',
      (error: unknown) => (error as Error).message,
    )
    flooder.destroy()
    return outcome
  }

  async function isHealthy(): Promise<boolean> {
    return (await fetch(`${gateway?.adminUrl}/health/live`)).ok
  }

  it('of descriptors: refuses new sessions, keeps those it has, answers for its health, and recovers', async () => {
    gateway = await startMeasuredGateway(config, { descriptors: 256 })
    const session = await Flooder.session(target())
    const idle: Socket[] = []
    for (let count = 0; count < 250; count++) {
      const { hostname, port } = new URL(gateway.url)
      idle.push(connect(Number(port), hostname).on('error', () => undefined))
    }
    await until(async () => /503|ended/.test(await upgrade()), 'a refusal')
    assert.equal(await isHealthy(), true)
    assert.equal(session.isOpen, true)
    for (const socket of idle) socket.destroy()
    await until(async () => (await upgrade()) === '101', 'a session again')
    assert.equal(session.isOpen, true)
  })

  it('of descriptors, for many who come at once: each has its session or is refused, and none is let in without a broker', async () => {
    gateway = await startMeasuredGateway(config, { descriptors: 256 })
    const came = Array.from({ length: 140 }, () => new Flooder(target()))
    const outcomes = await Promise.all(
      came.map((flooder) =>
        flooder.upgrade(target()).then(
          () => '101',
          (error: unknown) => (/503|ended/.test((error as Error).message) ? 'refused' : String(error)),
        ),
      ),
    )
    assert.deepEqual([...new Set(outcomes)].sort(), ['101', 'refused'])
    const counters = await gateway.counters()
    assert.equal(counters.get('gatehouse_session_ends_total{reason="broker-unavailable"}'), 0)
    for (const flooder of came) flooder.destroy()
  })

  it('of memory: ends the session that holds most, keeps the others, and answers for its health', async () => {
    // 80 MiB with the young generation: sessions may hold 20 of them together.
    gateway = await startMeasuredGateway(config, { heapMib: 68 })
    const [small, large] = [await Flooder.session(target()), await Flooder.session(target())]
    // Parts of messages that are within the limit: only all of them together are too much.
    const whole = webSocketFrame(BINARY, Buffer.alloc(16 * MIB))
    small.socket.write(whole.subarray(0, 8 * MIB))
    large.socket.write(whole.subarray(0, 16 * MIB - 1024))
    await until(() => !large.isOpen, 'the end of the largest')
    assert.equal(small.isOpen, true)
    assert.equal(await isHealthy(), true)
    const counters = await gateway.counters()
    assert.equal(counters.get('gatehouse_session_ends_total{reason="overload"}'), 1)
    small.destroy()
  })
})
