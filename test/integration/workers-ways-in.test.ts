/**
 * A gateway of two workers behind a path, with a socket that it inherits and a door that it dials: every way in leads to both
 * workers, and a login at one of them is known at the other.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hashPassword } from '../../auth/index.ts'
import type { ConfigInput } from '../../src/index.ts'
import { type AmqplibConnection, connectAmqplib, UpgradeRefused } from '../support/amqplib-over-websocket.ts'
import { CookieBrowser } from '../support/cookie-browser.ts'
import { basic, type LogLine, PASSWORD } from '../support/door.ts'
import { type FakeBroker, startFakeBroker } from '../support/fake-broker.ts'
import { FakeOpenidProvider } from '../support/fake-openid-provider.ts'
import { SocketHolder } from '../support/socket-holder.ts'
import { until } from '../support/until.ts'
import { type OuterDoor, Wall } from '../support/wall.ts'

const NAME = 'the gateway'
const WORKERS = [1, 2]
/** Enough for both workers to be met. */
const MANY = 6
const SPARE = 4

const provider = new FakeOpenidProvider()
let broker: FakeBroker
let wall: Wall
let door: OuterDoor
let holder: SocketHolder
let folder: string
let origin: string

const ends: (() => Promise<void>)[] = []
before(async () => {
  await provider.start()
  broker = await startFakeBroker()
  wall = await Wall.build()
  door = await wall.door({ after: (end) => void ends.push(end) })
  holder = await SocketHolder.start()
  origin = `http://127.0.0.1:${holder.port}`
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-ways-'))
  const config: ConfigInput = {
    workers: 2,
    basePath: '/gate',
    log: { level: 'debug' },
    listen: [{ host: '127.0.0.1', port: holder.port }, wall.listener([door.url], SPARE)],
    brokers: { main: { urls: [broker.url], credentials: { webuser: { username: 'webuser', password: 'secret' } } } },
    authenticators: {
      staff: {
        type: 'basic',
        users: { 'joe.smith': { password: await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 }) } },
      },
      portal: { type: 'oidc', issuer: provider.issuer, clientId: 'gatehouse', publicUrl: origin },
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: '/',
        origins: [origin],
        authenticate: ['staff', 'portal'],
        promote: [{ to: 'webuser' }],
        refusal: 'http',
      },
    ],
    drain: '0s',
  }
  const file = join(folder, 'gatehouse.yaml')
  await writeFile(file, JSON.stringify(config), { mode: 0o600 })
  holder.launch(NAME, ['serve', '-c', file])
  await holder.event(NAME, 'gateway-started')
})
after(async () => {
  await holder.stop()
  for (const end of ends) await end()
  await broker.close()
  await wall.remove()
  provider.stop()
  await rm(folder, { recursive: true, force: true })
})

const lines = (event: string): readonly LogLine[] =>
  holder
    .output(NAME)
    .split('\n')
    .filter((line) => line.includes(`"event":"${event}"`))
    .map((line) => JSON.parse(line) as LogLine)

/** The workers of the sessions that have opened since the first `from` of them. */
async function workersOf(from: number): Promise<readonly unknown[]> {
  await until(() => lines('session-opened').length === from + MANY, 'a log line of each session')
  return [
    ...new Set(
      lines('session-opened')
        .slice(from)
        .map(({ worker }) => worker),
    ),
  ].sort()
}

async function leave(clients: readonly AmqplibConnection[]): Promise<void> {
  for (const { connection, closed } of clients) {
    await connection.close()
    await closed
  }
}

const connect = (headers: Readonly<Record<string, string>>, path = '/gate/amqp') =>
  connectAmqplib(`${origin.replace('http', 'ws')}${path}`, { websocket: { headers, origin } })

const times = <T>(make: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: MANY }, make))

describe('a gateway of two workers', () => {
  it('takes clients of a socket that it inherits, at both, below its path', async () => {
    const from = lines('session-opened').length
    const clients = await times(() => connect({ authorization: basic() }))
    assert.deepEqual(await workersOf(from), WORKERS)
    await leave(clients)
    await assert.rejects(
      connect({ authorization: basic() }, '/amqp'),
      (error) => error instanceof UpgradeRefused && error.status === 404 && /begins with \/gate/.test(error.body),
    )
  })

  it('takes clients of a door, at both: each has dialled it', async () => {
    await door.spare(SPARE)
    const from = lines('session-opened').length
    const clients: AmqplibConnection[] = []
    for (let count = 0; count < MANY; count++) {
      const { ca } = wall.certificates.authority
      clients.push(
        await connectAmqplib(`wss://localhost:${door.door.port}/gate/amqp`, {
          websocket: { family: 4, ca, headers: { authorization: basic() } },
        }),
      )
    }
    assert.deepEqual(await workersOf(from), WORKERS)
    await leave(clients)
  })

  it('knows a login everywhere, whichever of them began and ended it', async () => {
    const browser = new CookieBrowser()
    for (const _ of WORKERS) {
      const location = (await browser.fetch(`${origin}/gate/auth/login`)).headers.get('location') ?? ''
      assert.equal(new URL(location).searchParams.get('redirect_uri'), `${origin}/gate/auth/callback`)
      const finished = await browser.fetch(`${origin}/gate/auth/callback?${provider.authorize(location)}`)
      assert.equal(finished.status, 303, await finished.text())
    }
    const from = lines('session-opened').length
    const clients = await times(() => connect({ cookie: browser.cookies(origin) }))
    assert.deepEqual(await workersOf(from), WORKERS)

    const out = await browser.fetch(`${origin}/gate/auth/logout`, { method: 'POST', headers: { origin } })

    assert.equal(out.status, 200)
    for (const { connection, closed } of clients) {
      connection.on('error', () => undefined)
      assert.equal((await closed).code, 4401)
    }
    const who = await browser.fetch(`${origin}/gate/auth/whoami`)
    assert.equal(who.status, 401)
  })
})
