/**
 * 200 broken configurations, one after the other, under a live session: each is refused with its places, and nothing changes.
 * Those of fixtures/config/invalid, files that end too early, files that are half another one, and files that cannot be read.
 */
import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { loadConfig } from '../../src/config/reading/load.ts'
import { ReloadRefused } from '../../src/gateway/reloading/report.ts'
import { type Gateway, startGateway } from '../../src/index.ts'
import { type AmqplibConnection, connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { configFiles, FIXTURE_ENV } from '../support/config-files.ts'
import type { LogLine } from '../support/door.ts'
import { type FakeBroker, startFakeBroker } from '../support/fake-broker.ts'

const folder = join(configFiles(), 'invalid')
const file = join(folder, 'served.yaml')
const LEAST = 200

let broker: FakeBroker
let gateway: Gateway
let client: AmqplibConnection
let served: string
let count = 0
const lines: LogLine[] = []

before(async () => {
  broker = await startFakeBroker()
  served = `
listen: { port: 0 }
brokers: { main: { urls: ["${broker.url}"], credentials: { webuser: { username: webuser, password: { env: WEBUSER_PASSWORD } } } } }
services:
  - path: /amqp
    broker: main
    vhost: /
    anonymous: true
    promote:
      - { to: webuser }
drain: 0s
`
  writeFileSync(file, served, { mode: 0o600 })
  const { config } = loadConfig(file, FIXTURE_ENV)
  const logTo = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) }
  gateway = await startGateway(config, { file, env: FIXTURE_ENV, folder, logTo })
  client = await connectAmqplib(`${gateway.addresses[0]?.url}/amqp`)
})
after(async () => {
  await gateway.close()
  await broker.close()
})

/** The errors of a reload that must be refused. */
async function refused(what: string): Promise<readonly string[]> {
  count += 1
  const error = await gateway.reload().then(
    () => assert.fail(`${what}: taken`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ReloadRefused, `${what}: ${String(error)}`)
  assert.equal(error.code, 'invalid', what)
  assert.ok(error.errors.length > 0, what)
  for (const line of error.errors) assert.ok(line.startsWith(`${dirname(folder)}/`), `${what}: ${line}`)
  return error.errors
}

/** Every error has line and column, too. */
async function refusedWithPlaces(what: string, text: string): Promise<void> {
  writeFileSync(file, text)
  for (const line of await refused(what)) assert.match(line, /^[^:]+\.yaml:\d+:\d+: /, what)
}

async function isUnchanged(): Promise<void> {
  writeFileSync(file, served, { mode: 0o600 })
  chmodSync(file, 0o600)
  const { generation, changes, sessions } = await gateway.reload({ dryRun: true })
  assert.deepEqual(
    { generation, changes, sessions },
    { generation: 2, changes: [], sessions: { kept: 1, changed: 0, ended: 0 } },
  )
  const channel = await client.connection.createChannel()
  await channel.close()
}

describe('a broken configuration', () => {
  it('of any kind is refused with the texts of `check`', async () => {
    const names = readdirSync(folder).filter((name) => name.endsWith('.yaml') && !file.endsWith(name))
    for (const name of names) {
      writeFileSync(file, readFileSync(join(folder, name)))
      const errors = (await refused(name)).map((line) => line.replaceAll(`${folder}/`, ''))
      const expected = readFileSync(join(folder, name.replace('.yaml', '.txt')), 'utf8')
        .trimEnd()
        .split('\n')
      for (const line of expected) {
        const [place = ''] =
          /^[^ ]+ [^ ]+/.exec(line.replace(name, 'served.yaml').replace('…/', `${dirname(folder)}/`)) ?? []
        assert.ok(
          errors.some((error) => error.startsWith(place)),
          `${name}: ${line}\n${errors.join('\n')}`,
        )
      }
    }
    await isUnchanged()
  })

  it('that ends too early is refused at the place where it ends', async () => {
    const end = served.indexOf('      - { to: webuser }')
    for (let length = 1; length <= 100; length += 1) {
      await refusedWithPlaces(`the first ${length} of 100 parts`, served.slice(0, Math.floor((end * length) / 101)))
    }
    await isUnchanged()
  })

  it('that is half another file is refused', async () => {
    const other = readFileSync(join(folder, 'unknown-key.yaml'), 'utf8')
    for (let part = 1; part <= 40; part += 1) {
      const at = Math.floor((served.length * part) / 41)
      await refusedWithPlaces(`half written, part ${part}`, `${served.slice(0, at)}\n]\n${other.slice(at)}`)
    }
    await isUnchanged()
  })

  it('that cannot be read is refused by its name', async () => {
    unlinkSync(file)
    await refused('no file')
    mkdirSync(file)
    await refused('a folder')
    rmSync(file, { recursive: true })
    symlinkSync(join(folder, 'nowhere.yaml'), file)
    await refused('a link to nothing')
    unlinkSync(file)
    writeFileSync(file, served)
    chmodSync(file, 0o666)
    await refused('a file that everybody may write')
    chmodSync(file, 0o600)
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00, 0x80]))
    await refused('bytes that are no text')
    writeFileSync(file, ' '.repeat(9 * 1024 * 1024))
    await refused('a file that is too large')
    unlinkSync(file)
    await isUnchanged()
  })

  it('that changes a key which needs a restart is refused at that key', async () => {
    writeFileSync(file, served.replace('drain: 0s', 'admin: { port: 0 }\ndrain: 0s'))
    const errors = (await refused('a static key')).map((line) => line.replace(`${folder}/`, ''))
    assert.deepEqual(errors, [
      'served.yaml:11:8: admin.host: a change needs a restart',
      'served.yaml:11:16: admin.port: a change needs a restart',
    ])
    await isUnchanged()
  })

  it('is one of 200, each of which is in the log', () => {
    assert.ok(count >= LEAST, `${count}`)
    const told = lines.filter(({ event }) => event === 'reload-refused')
    const audited = lines.filter(({ event, outcome }) => event === 'config.reloaded' && outcome === 'refused')
    assert.equal(told.length, count)
    assert.equal(audited.length, count)
  })
})
