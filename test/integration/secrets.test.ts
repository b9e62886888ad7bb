/**
 * Secrets of a real `gatehouse serve` in front of a real RabbitMQ: encrypted ones, what stops the start, and both kinds of
 * rotation (of the key that encrypts, of the password at the broker) while sessions are busy and new ones come.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { encrypt, hashPassword, parseKeys, Secret } from '../../auth/index.ts'
import { type AmqplibConnection, connectAmqplib, HandshakeRefused } from '../support/amqplib-over-websocket.ts'
import { type BrokerUser, type TestBroker, testBroker } from '../support/broker.ts'
import { CommandProcess } from '../support/command-process.ts'
import { basic, PASSWORD } from '../support/door.ts'
import { runCommand } from '../support/terminal.ts'
import { until, within } from '../support/until.ts'

const PLACE = 'brokers.main.credentials.smithj.password'

let folder: string
let broker: TestBroker
let smithj: BrokerUser
let webuser: BrokerUser
let hash: string
const keys: Record<'old' | 'next', string> = { old: '', next: '' }

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-secrets-'))
  broker = await testBroker()
  smithj = await broker.user('smithj')
  webuser = await broker.user('webuser')
  hash = await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 })
  for (const id of ['old', 'next'] as const) keys[id] = (await runCommand(['secret', 'keygen', '--id', id])).stdout
})

after(async () => {
  await broker?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const write = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** A configuration with comments in it, whose secret for `smithj` is this. */
function config(name: string, password: string, secretKeys = '[{ file: next.key }, { file: old.key }]'): string {
  write('old.key', `# the key of last year\n${keys.old}`)
  write('next.key', keys.next)
  write('webuser.secret', `${webuser.password}\n`)
  return write(
    name,
    `# who may ask whom
listen: { host: 127.0.0.1, port: 0 }
secretKeys: ${secretKeys} # the first encrypts
brokers:
  main:
    urls: [${broker.url}]
    credentials:
      # changed in March
      smithj:  { username: ${smithj.username},   password: { encrypted: "${password}" } }   # by hand
      webuser: { username: ${webuser.username}, password: { file: webuser.secret } }
authenticators:
  staff: { type: basic, users: { joe.smith: { password: "${hash}" }, ann: { password: "${hash}" } } }
services:
  - path: /amqp
    broker: main
    vhost: ${broker.vhost}
    authenticate: staff
    promote:
      - { when: { subject: joe.smith }, to: smithj }
      - { when: { subject: ann }, to: webuser }
drain: 0s
`,
  )
}

const encryptedWith = (id: 'old' | 'next', place = PLACE): string => {
  const key = parseKeys(keys[id]).get(id)
  assert.ok(key !== undefined)
  return encrypt(new Secret(smithj.password), place, key)
}

async function serving<T>(file: string, use: (url: string, command: CommandProcess) => Promise<T>): Promise<T> {
  const command = new CommandProcess(['serve', '-c', file], {})
  try {
    return await use(`${await command.url()}/amqp`, command)
  } finally {
    await command.kill()
  }
}

const enter = (url: string, user: string): Promise<AmqplibConnection> =>
  connectAmqplib(url, { websocket: { headers: { authorization: basic(user) } } })

/** A session that publishes and consumes until it is told to stop: every message arrives. */
class Busy {
  readonly client: AmqplibConnection
  readonly #done: Promise<number>
  #isStopping = false
  count = 0

  constructor(client: AmqplibConnection) {
    this.client = client
    this.#done = this.#run()
    this.#done.catch(() => undefined)
  }

  async #run(): Promise<number> {
    const channel = await this.client.connection.createConfirmChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    let received = 0
    await channel.consume(queue, () => void received++, { noAck: true })
    while (!this.#isStopping) {
      channel.sendToQueue(queue, Buffer.from(String(this.count++)))
      await channel.waitForConfirms()
    }
    await until(() => received === this.count, 'all messages')
    await this.client.connection.close()
    return this.count
  }

  async stop(): Promise<number> {
    this.#isStopping = true
    return within(this.#done, 'a busy session')
  }
}

/** Resolves when every one of them has published so many more messages than it had. */
async function goOn(busy: readonly Busy[], more: number): Promise<void> {
  const counts = busy.map(({ count }) => count + more)
  await until(() => busy.every(({ count }, at) => count >= (counts[at] ?? 0)), 'traffic', 30_000)
}

describe('an encrypted secret', () => {
  const tampered = () => {
    const text = encryptedWith('old')
    const last = text.at(-3) === 'A' ? 'B' : 'A'
    return `${text.slice(0, -3)}${last}${text.slice(-2)}`
  }

  for (const [what, password, secretKeys, why] of [
    ['was tampered with', tampered, undefined, /does not decrypt with key "old": it was altered/],
    [
      'has lost its key',
      () => encryptedWith('old'),
      '[{ file: next.key }]',
      /encrypted with key "old", which is missing \(known keys: next\)/,
    ],
    [
      'was made for another place',
      () => encryptedWith('old', 'brokers.main.credentials.webuser.password'),
      undefined,
      /does not decrypt with key "old": .* for another place/,
    ],
    [
      'was moved to another broker',
      () => encryptedWith('next', 'brokers.other.credentials.smithj.password'),
      undefined,
      /does not decrypt with key "next"/,
    ],
    ['is no encrypted secret', () => 'hunter2', undefined, /not an encrypted secret/],
  ] as const) {
    it(`that ${what} stops the start, with its line and key`, async () => {
      const command = new CommandProcess(['serve', '-c', config('refused.yaml', password(), secretKeys)], {})

      assert.deepEqual(await command.exit(), { code: 78, signal: null })

      const [line = ''] = command.stderr.split('\n').filter((text) => text.includes('refused.yaml'))
      assert.match(line, /refused\.yaml:9:\d+: brokers\.main\.credentials\.smithj\.password: /)
      assert.match(line, why)
      assert.ok(!command.stderr.includes(smithj.password) && !command.stderr.includes('hunter2'))
      assert.equal(command.stdout, '')
    })
  }

  it('is encrypted anew by `secret rotate` under load: comments stay, no session is lost, the next start takes it', async () => {
    const file = config('served.yaml', encryptedWith('old'))
    const written = readFileSync(file, 'utf8')
    await serving(file, async (url) => {
      const busy = await Promise.all([1, 2, 3].map(async () => new Busy(await enter(url, 'joe.smith'))))
      await goOn(busy, 5)

      const rotated = await runCommand(['secret', 'rotate', '-c', file])

      assert.match(rotated.stdout, /1 of 1 secrets encrypted anew with key next/)
      const later = await enter(url, 'joe.smith')
      await later.connection.close()
      await goOn(busy, 5)
      for (const session of busy) assert.ok((await session.stop()) >= 10)
    })
    const after = readFileSync(file, 'utf8')
    const blank = (text: string) => text.replace(/"gatehouse:v1:[^"]+"/, '""')
    assert.equal(blank(after), blank(written), 'every other byte is the same')
    assert.match(after, /gatehouse:v1:next:/)

    writeFileSync(file, after.replace('[{ file: next.key }, { file: old.key }]', '[{ file: next.key }]'))
    await serving(file, async (url) => {
      const { connection } = await enter(url, 'joe.smith')
      await connection.close()
    })
  })
})

describe('a password that changes at the broker', () => {
  it('loses no session: those that are open go on, new ones take the new secret within a second', async () => {
    await serving(config('password.yaml', encryptedWith('next')), async (url, command) => {
      const busy = await Promise.all([1, 2, 3].map(async () => new Busy(await enter(url, 'ann'))))
      let isOver = false
      /** When the new secret has been in its file for a second. */
      let knownMs = Number.POSITIVE_INFINITY
      const newcomers: Promise<{ refused: number; entered: number }> = (async () => {
        const counts = { refused: 0, entered: 0 }
        while (!isOver) {
          const isKnown = performance.now() >= knownMs
          const outcome = await enter(url, 'ann').catch((error: unknown) => {
            assert.ok(error instanceof HandshakeRefused, String(error))
            return undefined
          })
          if (outcome !== undefined) counts.entered++
          else if (isKnown) counts.refused++
          await outcome?.connection.close()
        }
        return counts
      })()
      await goOn(busy, 20)

      const password = 'CANARY-new-password-of-webuser'
      await broker.rabbit.management.addUser(webuser.username, password)
      write('webuser.secret', password)
      knownMs = performance.now() + 1000
      await until(() => performance.now() >= knownMs, 'a second')
      for (let count = 0; count < 5; count++) await (await enter(url, 'ann')).connection.close()

      isOver = true
      const { refused, entered } = await newcomers
      assert.ok(entered > 0)
      assert.equal(refused, 0, 'of those who came when the new secret was a second old')
      await goOn(busy, 20)
      for (const session of busy) assert.ok((await session.stop()) >= 40)
      assert.ok(!command.stdout.includes('CANARY') && !command.stderr.includes('CANARY'))
    })
  })
})
