/** RabbitMQ's Java client through `gatehouse connect`: what holds for it holds for JMS, which is built on it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Secret } from '../../auth/index.ts'
import { passwordLogin } from '../../src/tunnel/connect/login/constant.ts'
import { type ConnectPort, startConnectPort } from '../support/connect-port.ts'
import { javaClient, runJava } from '../support/java.ts'
import { type LiveGateway, startLiveGateway } from '../support/live-gateway.ts'
import { until } from '../support/until.ts'

const SCENES = join(import.meta.dirname, 'java/Scenes.java')
const STAMPED = 'java-stamped'

describe("RabbitMQ's Java client through connect", () => {
  let live: LiveGateway
  let port: ConnectPort
  before(async () => {
    await javaClient()
    live = await startLiveGateway({ service: { stamp: { headers: { 'x-who': '${subject}' } } } })
    const judge = await live.broker.judge()
    const channel = await judge.createChannel()
    await channel.assertQueue(STAMPED)
    port = await startConnectPort(live.url())
  })
  after(async () => {
    await port.stop()
    await live.stop()
  })

  it('publishes with confirms, consumes, calls, is stamped, reconnects and closes', async () => {
    const users = new Set<string>()
    const { lines, errors, code } = await runJava(SCENES, [String(port.connect.port), STAMPED], (line) => {
      if (line !== 'cut me') return undefined
      void until(
        async () => (await live.broker.connections()).length > 0,
        'the connection in the books of the broker',
      ).then(async () => {
        for (const { user } of await live.broker.connections()) users.add(user)
        port.connect.cut()
      })
      return 'gone soon'
    })
    assert.equal(code, 0, `${lines.join('\n')}\n${errors}`)
    const [stamps] = lines.filter((line) => line.startsWith('stamps'))
    assert.equal(stamps, `stamps user-id=${live.users.smithj.username} headers={x-who=joe.smith}`)
    const expected = ['confirms', 'consumes', 'rpc', stamps, 'cut me', 'reconnects', 'closes']
    assert.deepEqual(lines, expected)
    assert.deepEqual([...users], [live.users.smithj.username])
    assert.deepEqual(
      port.ends.map(({ opened }) => opened),
      [true, true],
    )
  })

  it('gets its own exception for a login that the gateway refuses, with the text', async () => {
    const login = passwordLogin('joe.smith', new Secret('wrong'))
    const refusing = await startConnectPort(live.url(), { login })
    try {
      const { lines, errors } = await runJava(SCENES, [String(refusing.connect.port)])
      assert.match(lines.join('\n'), /^refused: ACCESS_REFUSED - the gateway refuses: not authenticated/, errors)
    } finally {
      await refusing.stop()
    }
  })
})
