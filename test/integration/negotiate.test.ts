/** A real Kerberos realm: who has a ticket gets in, by curl and by AMQP over WebSocket; who has none, NTLM or a used one does not. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { runCommand } from '../../src/demo/processes.ts'
import { type ConfigInput, type Gateway, startGateway } from '../../src/index.ts'
import { TicketLogin } from '../../src/tunnel/connect/login/person.ts'
import { openWebSocket, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { type BrokerUser, type TestBroker, testBroker } from '../support/broker.ts'
import { startConnectPort } from '../support/connect-port.ts'
import { type LogLine, sendRaw, upgradeRequest } from '../support/door.ts'
import { kerberosPackage } from '../support/kerberos-package.ts'
import { type KerberosRealm, REALM, startRealm } from '../support/kerberos-realm.ts'
import { RawClient } from '../support/raw-client.ts'
import { SOURCE_OPTIONS } from '../support/source-options.ts'
import { firstToken, NTLM_TOKEN, OID } from '../support/spnego.ts'
import { until, within } from '../support/until.ts'

const ORIGIN = 'https://app.example.com'

/** What the tests use of the package's client side. */
interface Client {
  readonly contextComplete: boolean
  step(challenge: string): Promise<string | null>
}
interface ClientSide {
  initializeClient(service: string, options: { mechOID: number }): Promise<Client>
  readonly GSS_MECH_OID_SPNEGO: number
  readonly GSS_MECH_OID_KRB5: number
}

let realm: KerberosRealm
let broker: TestBroker
let webuser: BrokerUser
let gateway: Gateway
let kerberos: ClientSide
let joe: NodeJS.ProcessEnv
const lines: LogLine[] = []

before(async () => {
  const packages = await kerberosPackage()
  realm = await startRealm()
  Object.assign(process.env, realm.env)
  await symlink(packages, join(realm.folder, 'node_modules'))
  kerberos = createRequire(join(realm.folder, 'tests.js'))('kerberos') as ClientSide
  joe = await realm.person('joe')
  broker = await testBroker()
  webuser = await broker.user('webuser')
  gateway = await start()
})
after(async () => {
  await gateway?.close()
  await broker?.stop()
  await realm?.stop()
})

function config(keytab = realm.keytab): ConfigInput {
  return {
    listen: { host: '127.0.0.1', port: 0 },
    log: { level: 'debug' },
    brokers: { main: { urls: [broker.url], credentials: { webuser } } },
    authenticators: {
      realm: { type: 'negotiate', service: 'HTTP@localhost', keytab, realms: REALM },
      tickets: { type: 'ticket' },
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: broker.vhost,
        origins: [ORIGIN],
        authenticate: ['realm', 'tickets'],
        promote: [{ when: { subject: `joe@${REALM}`, issuer: REALM }, to: 'webuser' }],
      },
    ],
    drain: '0s',
  }
}

function start(): Promise<Gateway> {
  const logTo = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) }
  return startGateway(config(), { folder: realm.folder, logTo })
}

/** A fresh login of the person, begun. */
async function begin(
  person: NodeJS.ProcessEnv,
  { service = 'HTTP@localhost', mechOID = kerberos.GSS_MECH_OID_SPNEGO } = {},
): Promise<{ client: Client; token: string }> {
  process.env['KRB5CCNAME'] = person['KRB5CCNAME']
  const client = await kerberos.initializeClient(service, { mechOID })
  return { client, token: (await client.step('')) ?? '' }
}

async function curl(person: NodeJS.ProcessEnv, path: string, ...options: string[]) {
  const { port } = gateway.addresses[0] ?? { port: 0 }
  const own = ['--silent', '--show-error', '--include', '--max-time', '10', '--resolve', `localhost:${port}:127.0.0.1`]
  const { code, output } = await runCommand(['curl', ...own, ...options, `http://localhost:${port}${path}`], {
    env: person,
  })
  assert.equal(code, 0, output)
  const status = Number([...output.matchAll(/^HTTP\/1\.1 (\d+)/gm)].at(-1)?.[1])
  return { status, output, body: output.slice(output.lastIndexOf('\r\n\r\n') + 4) }
}

/** The upgrade's status with this token; `undefined` for none. */
async function knock(token: string | undefined, more: [string, string][] = []) {
  const authorization: [string, string][] = token === undefined ? [] : [['Authorization', `Negotiate ${token}`]]
  const request = upgradeRequest('/amqp', { more: [...authorization, ...more] })
  const { socket, ...answer } = await sendRaw(gateway.addresses[0]?.port ?? 0, request)
  socket.destroy()
  return { status: answer.status, challenge: answer.headers.get('www-authenticate') }
}

const refusedWith = (detail: RegExp) =>
  until(() => lines.some((line) => detail.test(String(line['detail']))), String(detail))

describe('somebody with a Kerberos ticket', () => {
  it('gets a ticket of the gateway with curl --negotiate, and with that a session', async () => {
    const { status, output, body } = await curl(joe, '/auth/ticket', '--negotiate', '-u', ':', '-X', 'POST')
    assert.equal(status, 200, output)
    assert.match(output, /^WWW-Authenticate: Negotiate [A-Za-z0-9+/]+=*\r$/im)
    const { ticket } = JSON.parse(body) as { ticket: string }
    const client = await RawClient.overWebSocket(`${gateway.addresses[0]?.url}/amqp?ticket=${ticket}`, {})
    client.close()
  })

  it('is who the realm says', async () => {
    const { status, body } = await curl(joe, '/auth/whoami', '--negotiate', '-u', ':')
    assert.equal(status, 200)
    const { subject, issuer, authenticator } = JSON.parse(body) as Record<string, unknown>
    assert.deepEqual(
      { subject, issuer, authenticator },
      { subject: `joe@${REALM}`, issuer: REALM, authenticator: 'realm' },
    )
  })

  it('opens an AMQP session on the upgrade itself', async () => {
    const { token } = await begin(joe)
    const headers = { authorization: `Negotiate ${token}` }
    const client = await RawClient.overWebSocket(`${gateway.addresses[0]?.url}/amqp`, headers)
    client.close()
    await until(
      () => lines.find((line) => line['event'] === 'session-opened' && line['issuer'] === REALM),
      'the session',
    )
  })

  it('gets the proof that the gateway is the gateway, with the 101', async () => {
    const { client, token } = await begin(joe)
    const { status, challenge } = await knock(token)
    assert.equal(status, 101)
    const [, answer = ''] = /^Negotiate ([A-Za-z0-9+/]+=*)$/.exec(challenge?.[0] ?? '') ?? []
    await client.step(answer)
    assert.equal(client.contextComplete, true)
  })

  it('gets in from a page of a listed origin, and from no other', async () => {
    assert.equal((await knock((await begin(joe)).token, [['Origin', ORIGIN]])).status, 101)
    assert.equal((await knock((await begin(joe)).token, [['Origin', 'https://evil.example']])).status, 403)
  })

  it('needs a promotion rule like anybody', async () => {
    assert.equal((await knock((await begin(await realm.person('mallory'))).token)).status, 403)
  })

  it('gets in again and again with a fresh token each, many at a time', async () => {
    const tokens: string[] = []
    for (let index = 0; index < 20; index += 1) tokens.push((await begin(joe)).token)
    const answers = await Promise.all(tokens.map((token) => knock(token)))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([101]))
  })
})

describe('a client over TCP, through connect with a Kerberos ticket', () => {
  const connectPort = async (t: TestContext, person: NodeJS.ProcessEnv) => {
    process.env['KRB5CCNAME'] = person['KRB5CCNAME']
    const login = new TicketLogin('localhost', async () => kerberos)
    const port = await startConnectPort(`http://localhost:${gateway.addresses[0]?.port}/amqp`, { login })
    t.after(() => port.stop())
    return port
  }

  it('is whoever holds the ticket; each connection shows a token of its own', async (t) => {
    const before = lines.length
    const port = await connectPort(t, joe)
    const clients = [await port.client(), await port.client()]
    for (const client of clients) {
      const channel = await client.createChannel()
      await channel.assertQueue('', { exclusive: true })
    }
    const opened = lines.slice(before).filter(({ event }) => event === 'session-opened')
    assert.deepEqual(
      opened.map(({ subject, issuer, user }) => ({ subject, issuer, user })),
      clients.map(() => ({ subject: `joe@${REALM}`, issuer: REALM, user: webuser.username })),
    )
  })

  it('is told at the start that there is no ticket, and what to do', async (t) => {
    const nobody = { ...joe, KRB5CCNAME: `FILE:${join(realm.folder, 'nobody.ccache')}` }
    await assert.rejects(
      connectPort(t, nobody),
      /^LoginFailed: no ticket for HTTP\/localhost: .*; see klist and kinit$/,
    )
  })
})

describe('refused with 401 and the challenge', () => {
  it('is whoever shows nothing', async () => {
    assert.deepEqual(await knock(undefined), { status: 401, challenge: ['Negotiate'] })
    const nobody = { ...joe, KRB5CCNAME: `FILE:${join(realm.folder, 'nobody.ccache')}` }
    const { status, output } = await curl(nobody, '/auth/ticket', '--negotiate', '-u', ':', '-X', 'POST')
    assert.equal(status, 401)
    assert.match(output, /^WWW-Authenticate: Negotiate\r$/im)
  })

  it('is NTLM, in every dress', async () => {
    const { status } = await curl(joe, '/auth/ticket', '--ntlm', '-u', 'joe:secret', '-X', 'POST', '--data', '')
    assert.equal(status, 401)
    for (const token of [NTLM_TOKEN, firstToken({ mechanisms: [OID.ntlm], token: NTLM_TOKEN })]) {
      assert.deepEqual(await knock(token.toString('base64')), { status: 401, challenge: ['Negotiate'] })
    }
  })

  it('is a replayed token, also by a gateway that has never seen it', async () => {
    const { token } = await begin(joe)
    assert.equal((await knock(token)).status, 101)
    assert.deepEqual(await knock(token), { status: 401, challenge: ['Negotiate'] })
    await refusedWith(/was shown before/)
    await gateway.close()
    gateway = await start()
    assert.deepEqual(await knock(token), { status: 401, challenge: ['Negotiate'] })
    await refusedWith(/^Kerberos refused: .*replay/i)
  })

  it('is a ticket for another service', async () => {
    await realm.addService('HTTP/other.example.com', join(realm.folder, 'other.keytab'))
    const { token } = await begin(joe, { service: 'HTTP@other.example.com' })
    assert.equal((await knock(token)).status, 401)
  })

  it('is a bare Kerberos token, and one that somebody changed', async () => {
    const bare = await begin(joe, { mechOID: kerberos.GSS_MECH_OID_KRB5 })
    assert.equal((await knock(bare.token)).status, 401)
    const bytes = Buffer.from((await begin(joe)).token, 'base64')
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1
    assert.equal((await knock(bytes.toString('base64'))).status, 401)
    assert.equal((await knock(firstToken().toString('base64'))).status, 401)
  })

  it('is an upgrade by a WebSocket library, which sees it too', async () => {
    const headers = { authorization: `Negotiate ${NTLM_TOKEN.toString('base64')}` }
    await assert.rejects(openWebSocket(`${gateway.addresses[0]?.url}/amqp`, { websocket: { headers } }), (error) => {
      return error instanceof UpgradeRefused && error.status === 401
    })
  })

  it('leaves no byte of a token in the log', () => {
    assert.ok(lines.length > 10)
    assert.doesNotMatch(JSON.stringify(lines), /YII[A-Za-z0-9+/]{20}|TlRMTVNT/)
  })
})

describe('the start', () => {
  it('ends with 78 and what to do where the package is not there', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-without-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'gatehouse.yaml')
    await writeFile(file, JSON.stringify(config()), { mode: 0o600 })
    const main = join(import.meta.dirname, '../../src/main.ts')
    const served = runCommand([process.execPath, ...SOURCE_OPTIONS, main, 'serve', '-c', file], {
      env: joe,
      deadlineMs: 20_000,
    })
    const { code, output } = await within(served, 'the end of serve', 25_000)
    assert.match(
      output,
      /authenticators\.realm\.type: negotiate needs the package kerberos: run `npm install kerberos`/,
    )
    assert.equal(code, 78)
  })

  it('says that the key table does not hold the key', async () => {
    const keytab = join(realm.folder, 'joe.keytab')
    const started = startGateway(config(keytab), { folder: realm.folder, logTo: { write: () => undefined } })
    await assert.rejects(started, /authenticators\.realm\.keytab: no key for HTTP@localhost can be had/)
  })
})
