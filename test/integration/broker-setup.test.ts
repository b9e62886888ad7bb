/**
 * `gatehouse broker-setup` on a real RabbitMQ: its lines make the users, and afterwards the broker refuses nothing that the
 * gateway allows.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Rabbit, startRabbit } from '../../src/demo/rabbitmq.ts'
import { queueBind, queueDeclare } from '../support/filter-session.ts'
import { type PermissionGateway, startPermissionGateway } from '../support/permission-gateway.ts'
import { outcome } from '../support/permission-outcome.ts'
import { asEntry, Dice, FANOUTS, QUEUES, rollPolicy, rollStep, TOPICS } from '../support/permission-script.ts'
import { isClosed, RawClient } from '../support/raw-client.ts'
import { runCommand } from '../support/terminal.ts'

const POLICIES = 10
const STEPS = 60
const PASSWORD = 'kept in a file 7f3a'

const dice = new Dice(19)
const policies = Array.from({ length: POLICIES }, () => asEntry(rollPolicy(dice)))
/** With wildcards, variables and names that the broker gives. */
const WIDE = {
  configure: [{ queue: '' }, { queue: 'q.${subject}.?' }],
  write: [{ queue: 'q.*' }, { exchange: 't.*', routingKey: 'a.#' }],
  read: [{ queue: 'q.*' }, { exchange: 't.?' }],
}

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-setup-'))
const stopping: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true })]
let live: PermissionGateway

before(async () => {
  const paths = [...policies, WIDE].map(
    (entry, index) => [`/p${index}`, { permissions: [entry] }] as [string, { permissions: (typeof entry)[] }],
  )
  live = await startPermissionGateway(Object.fromEntries(paths))
  stopping.push(() => live.stop())
})

/** Scripts delete what is there, and declare it again in other ways. */
async function declareAll(): Promise<void> {
  const channel = live.judge
  await Promise.all([
    ...QUEUES.map((queue) => channel.deleteQueue(queue)),
    ...[...TOPICS, ...FANOUTS].map((exchange) => channel.deleteExchange(exchange)),
  ])
  await Promise.all([
    ...QUEUES.map((queue) => channel.assertQueue(queue, { durable: false })),
    ...TOPICS.map((exchange) => channel.assertExchange(exchange, 'topic', { durable: false })),
    ...FANOUTS.map((exchange) => channel.assertExchange(exchange, 'fanout', { durable: false })),
  ])
}

after(async () => {
  for (const stop of stopping.toReversed()) await stop()
})

/** The words of each line after `rabbitmqctl`, and what the line hands to it, as a shell has them. */
function ran(script: string): readonly { readonly words: readonly string[]; readonly input: string }[] {
  const shim = `rabbitmqctl() { printf '%s\\0' "$@"; case "$1" in add_user) cat; esac; printf '\\1'; }\n`
  const output = execFileSync('sh', ['-s'], { input: shim + script, encoding: 'utf8' })
  return output
    .split('\u0001')
    .slice(0, -1)
    .map((call) => {
      const parts = call.split('\0')
      return { words: parts.slice(0, -1), input: parts.at(-1) ?? '' }
    })
}

/** Of a service with these permissions, in front of the live broker. */
async function setupFor(permissions: unknown, vhost: string, username: string, ...more: string[]): Promise<string> {
  const file = join(folder, 'gatehouse.yaml')
  const config = {
    listen: { port: 0 },
    brokers: {
      main: { urls: [live.broker.url], credentials: { webuser: { username, password: { file: 'secret' } } } },
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost,
        anonymous: true,
        permissions: [permissions],
        promote: [{ to: 'webuser' }],
      },
    ],
  }
  writeFileSync(join(folder, 'secret'), `${PASSWORD}\n`, { mode: 0o600 })
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  const { code, stdout, stderr } = await runCommand(['broker-setup', '-c', file, ...more])
  assert.equal(code, 0, stderr)
  assert.ok(!stdout.includes(PASSWORD))
  return stdout
}

/** Gives the gateway's broker user the rights that the lines say, and no others. */
async function permitAsSaid(permissions: unknown): Promise<void> {
  await declareAll()
  const { broker, webuser } = live
  const permit = ran(await setupFor(permissions, broker.vhost, webuser.username)).at(-1)
  const [command, , vhost = '', user = '', configure = '', write = '', read = ''] = permit?.words ?? []
  assert.equal(command, 'set_permissions')
  await broker.rabbit.management.permit(user, vhost, { configure, write, read })
}

describe('after broker-setup', () => {
  policies.forEach((permissions, index) => {
    it(`policy ${index}: the broker refuses nothing of ${STEPS} methods that the gateway allows`, async () => {
      await permitAsSaid(permissions)
      const client = await live.connect('somebody', [], { path: `/p${index}` })
      const byGateway = refusedByGateway()
      let refused = 0
      for (let n = 0; n < STEPS; n += 1) if ((await outcome(client, rollStep(dice))).endsWith(' 403')) refused += 1
      client.close()
      assert.equal(refused, refusedByGateway() - byGateway)
    })
  })

  it('server-named queues, variables and answers to direct reply addresses work', async () => {
    await permitAsSaid(WIDE)
    const byGateway = refusedByGateway()
    const client = await live.connect('joe.smith', [], { path: `/p${POLICIES}` })
    const own = 'q.joe%2Esmith.1'
    assert.ok(!isClosed(await client.call('queue.declare', queueDeclare(own, { exclusive: true }), 'queue.declare-ok')))
    const named = await client.call('queue.declare', queueDeclare('', { exclusive: true }), 'queue.declare-ok')
    assert.ok(!isClosed(named))
    const bound = await client.call('queue.bind', queueBind(named.queue, 't.1', 'a.b'), 'queue.bind-ok')
    assert.ok(!isClosed(bound))
    client.publish('t.1', 'a.b')
    client.publish('', own)
    assert.ok(!isClosed(await client.verdict()))
    client.close()
    assert.equal(refusedByGateway(), byGateway)
  })

  it('a right that is taken away is missed', async () => {
    const { broker, webuser } = live
    await permitAsSaid(WIDE)
    await broker.rabbit.management.permit(webuser.username, broker.vhost, { configure: '', write: '', read: '' })
    const byGateway = refusedByGateway()
    const client = await live.connect('joe.smith', [], { path: `/p${POLICIES}` })
    client.publish('', 'q.1')
    const verdict = await client.verdict()
    client.close()
    assert.equal(isClosed(verdict) && verdict.code, 403)
    assert.equal(refusedByGateway(), byGateway)
  })
})

/** Every other refusal is the broker's; its line in the log is one of few that are written in a while. */
function refusedByGateway(): number {
  return live.events('permission.refused').length
}

describe('the lines and the definitions', () => {
  let rabbit: Rabbit
  before(async () => {
    rabbit = await startRabbit({ source: 'private' })
    stopping.push(() => rabbit.stop())
  })

  it('make a user that logs in and may do what it needs, on a fresh RabbitMQ', async () => {
    for (const { words, input } of ran(await setupFor(WIDE, 'fresh', "o'web"))) {
      // The command reads the line's input as this one has it as an argument.
      await rabbit.ctl(...words, ...(words[0] === 'add_user' ? [input.trimEnd()] : []))
    }
    await publishes({ username: "o'web", password: PASSWORD }, 'fresh')
  })

  it('are the same as imported definitions', async () => {
    const definitions = JSON.parse(await setupFor(WIDE, 'imported', 'other', '--definitions')) as unknown
    await rabbit.management.importDefinitions(definitions)
    await rabbit.ctl('change_password', 'other', PASSWORD)
    await publishes({ username: 'other', password: PASSWORD }, 'imported')
  })

  async function publishes(user: { username: string; password: string }, vhost: string): Promise<void> {
    const client = await RawClient.overTcp(rabbit, user, vhost)
    assert.ok(!isClosed(await client.call('queue.declare', queueDeclare('q.joe.1'), 'queue.declare-ok')))
    client.publish('', 'q.joe.1')
    assert.ok(!isClosed(await client.verdict()))
    client.close()
  }
})
