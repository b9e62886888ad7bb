/** A login that ends, and is renewed while a client over TCP consumes: it notices nothing. */
import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Gateway, startGateway } from '../../src/index.ts'
import { TokenLogin } from '../../src/tunnel/connect/login/token.ts'
import { tokenCommand } from '../../src/tunnel/connect/login/token-command.ts'
import { tokenFile } from '../../src/tunnel/connect/login/token-file.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { type ConnectPort, startConnectPort } from '../support/connect-port.ts'
import { forgeKey, publicJwk, signToken } from '../support/token-forge.ts'
import { until, within } from '../support/until.ts'

const ISSUER = 'https://issuer.example.com'
const DEADLINE_MS = 60_000
/** The first token's life: longer than the first renewal takes on a busy machine, and short enough to outlive. */
const FIRST_SECONDS = 20
const RENEWALS = 5

const key = forgeKey('ES256')
let folder: string
let broker: TestBroker
let gateway: Gateway
const ports: ConnectPort[] = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-connect-'))
  await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [publicJwk(key)] }))
  broker = await testBroker()
  const webuser = await broker.user('webuser')
  gateway = await startGateway(
    {
      listen: { host: '127.0.0.1', port: 0 },
      brokers: { main: { urls: [broker.url], credentials: { webuser } } },
      authenticators: { own: { type: 'jwt', issuer: ISSUER, audience: 'amqp', jwksFile: 'keys.json', roles: 'roles' } },
      services: [
        { path: '/amqp', broker: 'main', vhost: broker.vhost, authenticate: ['own'], promote: [{ to: 'webuser' }] },
      ],
      drain: '0s',
    },
    { folder, logTo: { write: () => undefined } },
  )
})

after(async () => {
  for (const port of ports) await port.stop()
  await gateway.close()
  await broker.stop()
  await rm(folder, { recursive: true, force: true })
})

function token(seconds: number, subject = 'joe.smith'): string {
  const claims = {
    iss: ISSUER,
    aud: 'amqp',
    sub: subject,
    exp: Math.floor(Date.now() / 1000) + seconds,
    jti: Math.random(),
  }
  return signToken({ alg: 'ES256', kid: key.kid }, claims, key)
}

async function open(login: TokenLogin): Promise<ConnectPort> {
  const port = await startConnectPort(`${gateway.addresses[0]?.url}/amqp`, { login })
  ports.push(port)
  return port
}

/** As those who mount secrets do it: nobody reads half a token. */
async function put(path: string, text: string): Promise<void> {
  await writeFile(`${path}.next`, text)
  await rename(`${path}.next`, path)
}

describe('a login that is renewed', () => {
  it(`lets a consumer live on through ${RENEWALS} renewals, beyond the end of its first token`, async () => {
    const path = join(folder, 'token')
    const firstEndsMs = Date.now() + FIRST_SECONDS * 1000
    await put(path, token(FIRST_SECONDS))
    const login = new TokenLogin(tokenFile(path), () => {})
    const port = await open(login)
    const client = await port.client()
    const events: string[] = []
    client.on('close', () => events.push('close'))
    const channel = await client.createConfirmChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    const got: string[] = []
    await channel.consume(queue, (message) => got.push(message?.content.toString() ?? 'cancelled'), { noAck: true })

    for (let n = 1; n <= RENEWALS; n++) {
      await put(path, token(600))
      await until(() => port.connect.health.renewals === n, `renewal ${n}`, DEADLINE_MS)
      channel.sendToQueue(queue, Buffer.from(`after renewal ${n}`))
      await within(channel.waitForConfirms(), 'a confirm', DEADLINE_MS)
    }
    await until(() => Date.now() > firstEndsMs + 1_000, 'the end of the first token', DEADLINE_MS)
    channel.sendToQueue(queue, Buffer.from('beyond the first'))
    await within(channel.waitForConfirms(), 'a confirm', DEADLINE_MS)

    const expected = Array.from({ length: RENEWALS }, (_, n) => `after renewal ${n + 1}`)
    await until(() => got.length === RENEWALS + 1, 'the messages', DEADLINE_MS)
    assert.deepEqual(got, [...expected, 'beyond the first'])
    assert.deepEqual(events, [])
  })

  it('is one run of a token command for many clients, and another before the end', async () => {
    const path = join(folder, 'printed')
    await put(path, token(8))
    const command = tokenCommand(`cat '${path}'`)
    let runs = 0
    const login = new TokenLogin(
      {
        ...command,
        read: async () => {
          runs += 1
          return await command.read()
        },
      },
      () => {},
    )
    const port = await open(login)
    const clients = await Promise.all(Array.from({ length: 10 }, () => port.client()))
    assert.equal(runs, 1)
    await put(path, token(600))
    await until(() => port.connect.health.renewals === clients.length, 'all renewed', DEADLINE_MS)
    assert.equal(runs, 2)
  })

  it("ends with another person's token, and the client reads why", async () => {
    const path = join(folder, 'other')
    await put(path, token(600))
    const login = new TokenLogin(tokenFile(path), () => {})
    const port = await open(login)
    const client = await port.client()
    const error = new Promise<Error>((resolve) => client.once('error', resolve))
    await put(path, token(600, 'somebody.else'))
    assert.match((await within(error, 'the end', DEADLINE_MS)).message, /530/)
  })
})
