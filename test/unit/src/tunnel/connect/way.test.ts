import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { WebSocketServer } from 'ws'
import { Secret } from '../../../../../auth/index.ts'
import { passwordLogin } from '../../../../../src/tunnel/connect/login/constant.ts'
import { type GatewayLogin, LoginFailed } from '../../../../../src/tunnel/connect/login/login.ts'
import { TokenLogin } from '../../../../../src/tunnel/connect/login/token.ts'
import { Way } from '../../../../../src/tunnel/connect/way.ts'
import { until } from '../../../../support/until.ts'

const joe = passwordLogin('joe', new Secret('word'))

/** A gateway that answers upgrades with these statuses, the last one for ever; 101 opens. */
async function gateway(t: TestContext, ...answers: (number | [number, string])[]) {
  const seen: (string | undefined)[] = []
  const server = createServer()
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'amqp' })
  server.on('upgrade', (request, socket, head) => {
    seen.push(request.headers.authorization)
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? 101
    const [status, headers] = typeof answer === 'number' ? [answer, ''] : answer
    if (status === 101) sockets.handleUpgrade(request, socket, head, () => undefined)
    else {
      const body = 'a text\nof two lines'
      socket.end(
        `HTTP/1.1 ${status} No\r\nContent-Type: text/plain\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`,
      )
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const client of sockets.clients) client.terminate()
    server.close()
  })
  const url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/amqp`)
  const way = (login: GatewayLogin = joe) => new Way({ url, login, secureContext: async () => undefined })
  return { seen, way }
}

const { signal } = new AbortController()

describe('the way to a gateway', () => {
  it('shows the login in the upgrade', async (t) => {
    const { seen, way } = await gateway(t, 101)
    const { socket } = await way().dial(signal)
    assert.deepEqual(seen, [`Basic ${Buffer.from('joe:word').toString('base64')}`])
    socket.terminate()
  })

  it('G104 is closed for a while after a refusal: a client that connects in a loop asks the gateway once', async (t) => {
    const { seen, way } = await gateway(t, 401, 101)
    const one = way()
    for (let n = 0; n < 20; n++)
      await assert.rejects(one.dial(signal), { replyCode: 403, explanation: 'the gateway refuses: a text (401)' })
    assert.equal(seen.length, 1)
    assert.equal(one.problem, 'the gateway refuses: a text (401)')
  })

  it('is tried again where the gateway is busy, and not where it says no', async (t) => {
    const busy = await gateway(t, 503, [429, 'Retry-After: 0\r\n'], 101)
    const { socket } = await busy.way().dial(signal)
    assert.equal(busy.seen.length, 3)
    socket.terminate()
    const late = await gateway(t, [503, 'Retry-After: 60\r\n'])
    await assert.rejects(late.way().dial(signal), { replyCode: 320, explanation: 'the gateway refuses: a text (503)' })
    for (const status of [302, 400, 404]) {
      const { seen, way } = await gateway(t, status)
      await assert.rejects(way().dial(signal), { replyCode: 403 })
      assert.equal(seen.length, 1)
    }
  })

  it('asks for another token when one is refused', async (t) => {
    const { seen, way } = await gateway(t, 401, 101)
    let count = 0
    const login: GatewayLogin = {
      kind: 'test',
      expiresAtMs: undefined,
      problem: undefined,
      proof: async () => ({ authorization: `Bearer ${++count}`, secret: undefined }),
      refused: () => count < 2,
      onFresh: () => {},
      close: () => {},
    }
    const { socket } = await way(login).dial(signal)
    assert.deepEqual(seen, ['Bearer 1', 'Bearer 2'])
    socket.terminate()
  })

  it('asks twice at most, where the source has another token whenever it is asked', async (t) => {
    const { seen, way } = await gateway(t, 401)
    let count = 0
    const read = async () => ({ text: `wrong-${++count}`, expiresAtMs: undefined })
    const login = new TokenLogin({ kind: 'test', pollMs: undefined, read }, () => {})
    const one = way(login)
    for (let n = 0; n < 3; n++) await assert.rejects(one.dial(signal), { replyCode: 403 })
    assert.deepEqual(seen, ['Bearer wrong-1', 'Bearer wrong-2'])
  })

  it('is open again with a fresh token, whatever was said of the one before', async (t) => {
    const { seen, way } = await gateway(t, 401, 401, 101)
    let text = 'old'
    const read = async () => ({ text, expiresAtMs: undefined })
    const login = new TokenLogin({ kind: 'test', pollMs: 5, read }, () => {})
    const one = way(login)
    await assert.rejects(one.dial(signal), { replyCode: 403 })
    assert.equal(one.problem, 'the gateway refuses: a text (401)')
    text = 'new'
    await until(() => one.problem === undefined, 'a fresh token')
    const { socket } = await one.dial(signal)
    assert.deepEqual(seen, ['Bearer old', 'Bearer old', 'Bearer new'])
    socket.terminate()
    login.close()
  })

  it('ends in words where there is no login', async (t) => {
    const { seen, way } = await gateway(t, 101)
    const login: GatewayLogin = {
      ...joe,
      kind: 'test',
      expiresAtMs: undefined,
      problem: undefined,
      proof: async () => {
        throw new LoginFailed('nobody has logged in')
      },
      onFresh: () => {},
    }
    await assert.rejects(way(login).dial(signal), { replyCode: 403, explanation: 'nobody has logged in' })
    assert.equal(seen.length, 0)
  })
})
