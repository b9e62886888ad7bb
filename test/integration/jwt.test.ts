/** Tokens of a real OpenID provider, and of an issuer whose keys lie in a file, against a real broker. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Gateway, startGateway } from '../../src/index.ts'
import {
  type AmqplibConnection,
  type AmqplibOptions,
  connectAmqplib,
  HandshakeRefused,
  UpgradeRefused,
} from '../support/amqplib-over-websocket.ts'
import { type BrokerUser, type TestBroker, testBroker } from '../support/broker.ts'
import { type OpenidProvider, startOpenidProvider } from '../support/openid-provider.ts'
import { forgeKey, publicJwk, signToken } from '../support/token-forge.ts'
import { until, within } from '../support/until.ts'

const ORIGIN = 'https://app.example.com'
const ISSUER = 'https://issuer.example.com'
const key = forgeKey('ES256', 'own')
const next = forgeKey('ES256', 'next')

let folder: string
let broker: TestBroker
let provider: OpenidProvider
let gateway: Gateway
let webuser: BrokerUser
let machine: BrokerUser
const lines: Record<string, unknown>[] = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-jwt-'))
  await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [publicJwk(key)] }))
  provider = await startOpenidProvider({
    accessTokenSeconds: 60,
    robotSecret: 'secret of the robot',
    robotRoles: ['machine'],
    people: {},
  })
  broker = await testBroker()
  webuser = await broker.user('webuser')
  machine = await broker.user('machine')
  gateway = await startGateway(
    {
      listen: { host: '127.0.0.1', port: 0 },
      admin: { port: 0 },
      brokers: { main: { urls: [broker.url], credentials: { webuser, machine } } },
      authenticators: {
        sso: { type: 'jwt', issuer: provider.issuer, audience: 'amqp', jwksUri: provider.jwksUri, roles: 'roles' },
        own: {
          type: 'jwt',
          issuer: ISSUER,
          audience: 'amqp',
          jwksFile: 'keys.json',
          roles: 'roles',
          from: ['bearer', 'subprotocol', 'cookie:at'],
        },
      },
      services: [
        {
          path: '/amqp',
          broker: 'main',
          vhost: broker.vhost,
          origins: [ORIGIN],
          authenticate: ['sso', 'own'],
          promote: [
            { when: { role: 'machine' }, to: 'machine' },
            { when: { role: 'trader' }, to: 'webuser' },
          ],
        },
      ],
      drain: '0s',
    },
    { folder, logTo: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) } },
  )
})

after(async () => {
  await gateway.close()
  await provider.stop()
  await broker.stop()
  await rm(folder, { recursive: true, force: true })
})

/** A token of the issuer whose keys lie in a file. */
function token(claims: object = {}, lifeSeconds = 60, signer = key): string {
  const now = Date.now() / 1000
  const usual = { iss: ISSUER, aud: 'amqp', sub: 'joe.smith', roles: ['trader'], exp: now + lifeSeconds }
  return signToken({ alg: 'ES256', kid: signer.kid }, { ...usual, ...claims }, signer)
}

async function enter(headers: Record<string, string>, options: AmqplibOptions = {}): Promise<AmqplibConnection> {
  const { url = '' } = gateway.addresses[0] ?? {}
  return await connectAmqplib(`${url}/amqp`, { ...options, websocket: { headers, ...options.websocket } })
}

const bearer = (value: string) => ({ authorization: `Bearer ${value}` })

/** What amqplib says when its connection ends; an end that the other side wanted is no error to it. */
async function endOf({ connection, closed }: AmqplibConnection): Promise<{ text: string; code: number }> {
  const said = new Promise<string>((resolve) => {
    connection.once('close', (error?: Error) => resolve(error?.message ?? ''))
  })
  const [text, { code }] = await within(Promise.all([said, closed]), 'the end of the session', 15_000)
  return { text, code }
}

async function brokerUsers(): Promise<string[]> {
  return (await broker.connections()).map(({ user }) => user)
}

describe('a token of a real provider', () => {
  it('opens a session as the promoted user, through which messages flow', async () => {
    const { connection } = await enter(bearer(await provider.robotToken()))
    const channel = await connection.createConfirmChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })

    channel.sendToQueue(queue, Buffer.from('hello'))
    await channel.waitForConfirms()

    const message = await until(() => channel.get(queue, { noAck: true }), 'the message')
    assert.equal(message.content.toString(), 'hello')
    assert.deepEqual(await until(async () => (await brokerUsers()).length > 0 && brokerUsers()), [machine.username])
    await connection.close()
  })

  it('is refused when a letter of it is another one', async () => {
    const good = await provider.robotToken()
    const [header = '', payload = '', signature = ''] = good.split('.')
    const bad = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    await assert.rejects(enter(bearer(bad)), { name: 'UpgradeRefused', status: 401 })
  })
})

describe('carriers', () => {
  it('are the Authorization header, the subprotocol, and the named cookie with an Origin', async () => {
    const entry = `base64url.bearer.authorization.k8s.io.${Buffer.from(token()).toString('base64url')}`
    for (const client of [
      await enter(bearer(token())),
      await enter({}, { subprotocols: ['amqp', entry] }),
      await enter({ cookie: `at=${token()}` }, { websocket: { headers: { cookie: `at=${token()}` }, origin: ORIGIN } }),
    ]) {
      assert.equal(client.socket.protocol === '' || client.socket.protocol === 'amqp', true)
      await client.connection.close()
    }
  })

  it('are not a cookie without an Origin, nor the query', async () => {
    await assert.rejects(enter({ cookie: `at=${token()}` }), { status: 401 })
    const { url = '' } = gateway.addresses[0] ?? {}
    await assert.rejects(connectAmqplib(`${url}/amqp?access_token=${token()}&token=${token()}`), { status: 401 })
  })

  it('G3 may not name two people', async () => {
    const headers = { ...bearer(token()), cookie: `at=${token({ sub: 'eve' })}` }
    await assert.rejects(enter(headers, { websocket: { headers, origin: ORIGIN } }), HandshakeRefused)
  })

  it('G10 show nobody their token', () => {
    const said = JSON.stringify(lines)
    assert.ok(lines.length > 0)
    // A token as it is, and in base64url as a subprotocol carries it.
    assert.equal(/eyJ[A-Za-z0-9_-]{8}|ZXlK[A-Za-z0-9_-]{8}/.test(said), false)
  })
})

describe('a refusal', () => {
  it('is a status with a challenge for programs', async () => {
    await assert.rejects(enter(bearer(token({ aud: 'other' }))), (error: unknown) => {
      assert.ok(error instanceof UpgradeRefused)
      assert.equal(error.status, 401)
      assert.match(String(error.headers['www-authenticate']), /^Bearer realm="sso", error="invalid_token"/)
      assert.equal(error.body.includes('other'), false)
      return true
    })
  })

  it('is in band for pages', async () => {
    const headers = bearer(token({}, -1))
    await assert.rejects(enter(headers, { websocket: { headers, origin: ORIGIN } }), (error: unknown) => {
      assert.ok(error instanceof HandshakeRefused)
      assert.match(error.message, /403/)
      assert.equal(error.close?.code, 4401)
      return true
    })
  })
})

describe('the end of a token', () => {
  it('F1 ends the session of a consumer that says nothing, and gives back what it had not acknowledged', async () => {
    const judge = await broker.judge()
    const channel = await judge.createChannel()
    const queue = `end-${Date.now()}`
    await channel.assertQueue(queue)
    channel.sendToQueue(queue, Buffer.from('kept'))
    const client = await enter(bearer(token({}, 3)))
    const ended = endOf(client)
    const consumer = await client.connection.createChannel()
    const delivered: string[] = []
    await consumer.consume(queue, (message) => void delivered.push(message?.content.toString() ?? 'cancelled'))
    await until(() => delivered.length === 1)

    const { text, code } = await ended

    assert.equal(code, 4401)
    assert.match(text, /320.*CONNECTION_FORCED - credential expired/)
    channel.sendToQueue(queue, Buffer.from('later'))
    assert.equal(
      (await until(async () => (await broker.queue(queue))?.messages === 2 && broker.queue(queue))).consumers,
      0,
    )
    assert.deepEqual(delivered, ['kept'])
  })

  it('comes when it comes, however far away that is', async () => {
    const { connection, socket } = await enter(bearer(token({}, 60 * 86_400)))
    const channel = await connection.createChannel()
    await channel.assertQueue('', { exclusive: true })
    assert.equal(socket.readyState, socket.OPEN)
    await connection.close()
  })
})

describe('update-secret', () => {
  it('keeps a session beyond the end of its first token', async () => {
    const client = await enter(bearer(token({}, 2)))
    const ended = endOf(client)
    const startedMs = performance.now()

    await client.connection.updateSecret(Buffer.from(token({}, 5)), 'refreshed')

    const { text, code } = await ended
    assert.ok(performance.now() - startedMs > 4000)
    assert.equal(code, 4401)
    assert.match(text, /credential expired/)
  })

  for (const [what, secret] of [
    ['somebody else’s token', () => token({ sub: 'eve' })],
    ['another issuer’s token', () => provider.robotToken()],
    ['a token that has ended', () => token({}, -1)],
    ['a token without the role', () => token({ roles: [] })],
    ['a token with the role of another broker user', () => token({ roles: ['machine'] })],
    ['nonsense', () => 'nonsense'],
    ['nothing', () => ''],
  ] as const) {
    it(`F14 with ${what} ends the session`, async () => {
      const client = await enter(bearer(token()))
      const ended = endOf(client)
      client.connection.updateSecret(Buffer.from(await secret()), 'refreshed').catch(() => undefined)
      assert.match((await ended).text, /530.*NOT_ALLOWED/)
    })
  }
})

describe('keys in a file', () => {
  it('are read again when they change', async () => {
    await assert.rejects(enter(bearer(token({}, 60, next))), { status: 401 })

    await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [publicJwk(next)] }))

    await until(() => enter(bearer(token({}, 60, next))).then(({ connection }) => connection.close().then(() => true)))
    await gateway.reload()
    await assert.rejects(enter(bearer(token())), { status: 401 })
    await writeFile(join(folder, 'keys.json'), JSON.stringify({ keys: [publicJwk(key)] }))
    await gateway.reload()
    await (await enter(bearer(token()))).connection.close()
  })
})
