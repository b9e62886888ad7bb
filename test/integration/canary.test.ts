/**
 * No secret is ever shown: one of every kind goes through a gateway in a process of its own, with logins, renewals,
 * refusals and faults, and is then searched for in everything that anybody could read: the log at every level, standard
 * error, metrics, the answers of both listeners, the bytes on the client's wire, the broker's own log and lists.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { type AmqplibConnection, connectAmqplib, openWebSocket } from '../support/amqplib-over-websocket.ts'
import { findSecrets, withoutUnreadableTokens } from '../support/canary.ts'
import { BROKER_SECRETS, CanaryScene } from '../support/canary-scene.ts'
import { runCommand } from '../support/terminal.ts'
import { until } from '../support/until.ts'

let scene: CanaryScene
/** Everything that anybody but its owner could read, by where. */
const readable: Record<string, string | Buffer> = {}

before(async () => {
  scene = await CanaryScene.start()
  await Promise.all([logins(), renewals(), refusals()])
  await faults()
  await answers()
  scene.command.signal('SIGHUP')
  await scene.command.event('reload-done')
  await commands()
  scene.command.signal('SIGTERM')
  await scene.command.exit()
  readable['standard output'] = scene.command.stdout
  readable['standard error'] = scene.command.stderr
  readable['the wire to clients'] = Buffer.concat(scene.clientTap.connections.map(({ fromTarget }) => fromTarget))
  readable['the log of the broker'] = withoutUnreadableTokens(readFileSync(scene.broker.rabbit.logFile ?? '', 'latin1'))
})

after(() => scene?.stop())

const own = (claims: object = {}) => scene.own(claims)
const secret = (kind: string) => scene.secret(kind)
const forHeader = (kind: string) => scene.forHeader(kind)
const url = (path = '/amqp') => `ws://127.0.0.1:${scene.clientTap.port}${path}`

function connect(headers: Record<string, string>, path = '/amqp'): Promise<AmqplibConnection> {
  return connectAmqplib(url(path), { username: 'mallory', password: secret('claimed'), websocket: { headers } })
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const basic = (password: string) => ({ authorization: `Basic ${Buffer.from(`ann:${password}`).toString('base64')}` })

/** A message there and back, then a channel error, so that the broker has something to say. */
async function use({ connection }: AmqplibConnection): Promise<void> {
  const channel = await connection.createConfirmChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  channel.sendToQueue(queue, Buffer.from('hello'))
  await channel.waitForConfirms()
  assert.ok(await channel.get(queue, { noAck: true }))
  const bad = await connection.createChannel()
  bad.on('error', () => undefined)
  await assert.rejects(bad.checkQueue('there-is-none'))
}

async function logins(): Promise<void> {
  const roles = ['text', 'environment', 'file', 'encrypted', 'module', 'machine', 'own']
  const all: [Record<string, string>, string?][] = [
    ...roles.map((role): [Record<string, string>] => [bearer(own({ roles: [role] }))]),
    [bearer(own({ dept: 'ops', user: scene.users['template'] }))],
    [bearer(own()), '/tls'],
    [basic(secret('basic'))],
    [{ 'x-user': 'ann', 'x-portal-secret': secret('forwarded') }],
    [{ cookie: `at=${own({ roles: ['text'] })}`, origin: 'https://app.example.com' }],
  ]
  await Promise.all(
    all.map(async ([headers, path]) => {
      const client = await connect(headers, path)
      await use(client)
      await client.connection.close()
    }),
  )
}

async function renewals(): Promise<void> {
  const mine = await connect(bearer(own({ roles: ['own'] })))
  await mine.connection.updateSecret(Buffer.from(own({ roles: ['own'] })), 'expiring')
  mine.connection.updateSecret(Buffer.from(secret('garbage')), 'expiring').catch(() => undefined)
  await mine.closed
  const unfit = await connect(bearer(own({ roles: ['own'] })))
  unfit.connection.updateSecret(Buffer.from(own({ roles: ['own'], aud: ['amqp'] })), 'expiring').catch(() => undefined)
  await unfit.closed
  const machine = await connect(bearer(own({ roles: ['machine'] })))
  const grown = scene.machineTokenCount + 2
  await until(() => scene.machineTokenCount >= grown, 'renewals of the machine', 15_000)
  await use(machine)
  await machine.connection.close()
}

async function refusals(): Promise<void> {
  const token = own({ roles: ['text'] })
  const refused: Record<string, string>[] = [
    basic(secret('guessed')),
    bearer(forHeader('garbage')),
    bearer(`${token}x`),
    bearer(own({ roles: ['nobody'] })),
    bearer(own({ dept: 'ops', user: 'a/b' })),
    bearer(own({ dept: 'ops', user: 'nobody' })),
    bearer(own({ roles: ['wrong'] })),
    bearer(own({ roles: ['foreign'] })),
    { ...bearer(own({ roles: ['text'] })), origin: 'https://evil.example.com' },
    { 'x-user': 'ann', 'x-portal-secret': forHeader('guessed') },
    {},
  ]
  const paths = [`/amqp?access_token=${token}`, `/nowhere?password=${encodeURIComponent(secret('guessed'))}`]
  await Promise.all([
    ...refused.map((headers) => assert.rejects(connect(headers), `${Object.keys(headers)}`)),
    ...paths.map((path) => assert.rejects(connect({}, path), path)),
  ])
  const refusedInBand = openWebSocket(url(), {
    websocket: { headers: basic(secret('guessed')), origin: 'https://app.example.com' },
  })
  ;(await refusedInBand).terminate()
}

async function faults(): Promise<void> {
  for (const bytes of [
    Buffer.from(`GET /?password=${secret('guessed')} HTTP/1.1\r\n\r\n`),
    Buffer.from(`AMQP\0\0\x09\x01\x01\0\0\0\0\0\x10${secret('claimed')}`, 'latin1'),
  ]) {
    const socket = await openWebSocket(url(), { websocket: { headers: bearer(own({ roles: ['text'] })) } })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.send(bytes)
    await closed
  }
  const text = await openWebSocket(url(), { websocket: { headers: bearer(own({ roles: ['file'] })) } })
  const textClosed = new Promise((resolve) => text.once('close', resolve))
  text.send(secret('claimed'))
  await textClosed
  const lost = await connect(bearer(own({ roles: ['file'] })))
  for (const connection of scene.brokerTap.connections) if (connection.isOpen) connection.reset()
  await lost.closed
  const kicked = await connect(bearer(own({ roles: ['encrypted'] })))
  const row = await until(async () => (await scene.broker.connections()).find(({ name }) => name !== undefined))
  await scene.broker.rabbit.management.closeConnection(row.name)
  await kicked.closed
}

async function answers(): Promise<void> {
  const http = (path: string) => `http://127.0.0.1:${scene.clientTap.port}${path}`
  const admin = (await scene.command.event('admin-started'))['url']
  for (const path of ['/metrics', '/health/live', '/health/ready', '/', '/config', '/debug']) {
    readable[`admin ${path}`] = await (await fetch(`${String(admin)}${path}`)).text()
  }
  for (const [path, init] of [
    ['/auth/whoami?service=/amqp', { headers: bearer(own({ roles: ['text'] })) }],
    ['/auth/whoami?service=/amqp', { headers: basic(forHeader('guessed')) }],
    ['/auth/ticket?service=/amqp', { method: 'POST', headers: basic(forHeader('guessed')) }],
    ['/auth/refresh', { method: 'POST', headers: { cookie: `at=${own()}` } }],
    ['/auth/logout', { method: 'POST', headers: { cookie: `at=${own()}` } }],
    [`/auth/callback?code=${encodeURIComponent(secret('guessed'))}`, {}],
  ] as const) {
    const answer = await fetch(http(path), init)
    readable[`answer of ${path.split('?')[0]} (${answer.status})`] =
      JSON.stringify([...answer.headers]) + (await answer.text())
  }
  // The one who asked may see the ticket: not by the tap.
  const issued = await fetch(`${(await scene.command.url()).replace(/^ws/, 'http')}/auth/ticket?service=/amqp`, {
    method: 'POST',
    headers: bearer(own({ roles: ['text'] })),
  })
  const { ticket } = (await issued.json()) as { ticket: string }
  scene.secrets['ticket'] = ticket
  for (const used of ['once', 'again']) {
    const entry = openWebSocket(url(`/amqp?ticket=${encodeURIComponent(ticket)}`), {})
    await entry.then(
      (socket) => socket.terminate(),
      () => assert.equal(used, 'again'),
    )
  }
}

async function commands(): Promise<void> {
  const { env, file } = scene
  const say = async (...args: string[]) => {
    const { stdout, stderr } = await runCommand([...args, '-c', file], { env })
    readable[args.join(' ')] = stdout + stderr
  }
  await say('check')
  await say('explain', '--service', '/amqp', '--subject', 'joe.smith', '--role', 'encrypted')
  await say('explain', '--service', '/amqp', '--subject', 'joe.smith', '--claim', 'dept=ops', '--claim', 'user=a/b')
  const broken = readFileSync(file, 'utf8')
    .replace('username: ', `${JSON.stringify(secret('text'))}: `)
    .replace('trustedProxies: [127.0.0.1] }', `trustedProxies: [${JSON.stringify(secret('garbage'))}] }`)
    .replace('level: trace', `level: ${JSON.stringify(secret('guessed'))}`)
    .replace(/encrypted: "gatehouse:v1:k1:./, '$&A')
  const brokenFile = scene.write('broken.yaml', broken)
  const { code, stderr } = await runCommand(['check', '-c', brokenFile], { env })
  assert.equal(code, 78)
  readable['check of a broken file'] = stderr
  readable['secret rotate'] = JSON.stringify(await runCommand(['secret', 'rotate', '-c', file], { env }))
}

describe('a secret', () => {
  it('went everywhere it should: to the broker, and in from clients', () => {
    const shown = Buffer.concat(scene.brokerTap.connections.map(({ fromClient }) => fromClient))
    for (const kind of [...BROKER_SECRETS, 'wrong']) {
      assert.ok(findSecrets(shown, { [kind]: secret(kind) }).length > 0, `${kind} was shown to the broker`)
    }
    assert.deepEqual(findSecrets(shown, { claimed: secret('claimed') }), [], 'the client’s own was not')
    const sent = Buffer.concat(scene.clientTap.connections.map(({ fromClient }) => fromClient))
    for (const kind of ['basic', 'guessed', 'forwarded']) {
      assert.ok(findSecrets(sent, { [kind]: secret(kind) }).length > 0, `${kind} was sent by clients`)
    }
    assert.ok(String(readable['the log of the broker']).includes('[debug]'), 'the broker told all')
    assert.ok(scene.tokenCount > 30)
  })

  it('had many chances to be written down', () => {
    const events = new Set(scene.command.events().map(({ event }) => event))
    for (const event of [
      'session-opened',
      'session-ended',
      'authentication-refused',
      'authorization-refused',
      'origin-refused',
      'promotion-failed',
      'request-refused',
      'reload-done',
      'ticket-issued',
    ]) {
      assert.ok(events.has(event), `${event} in the log, among ${[...events].join(' ')}`)
    }
    const reasons = new Set(scene.command.events().map(({ reason }) => reason))
    for (const reason of [
      'broker-refused',
      'broker-lost',
      'broker-closed',
      'renewal-failed',
      'client-fault',
      'text-message',
    ]) {
      assert.ok(reasons.has(reason), `${reason} in the log, among ${[...reasons].join(' ')}`)
    }
    for (const [where, text] of Object.entries(readable)) assert.ok(text.length > 0, where)
  })

  it('E1 E2 E3 is nowhere else, in any form', () => {
    const found = Object.entries(readable).flatMap(([where, text]) => {
      return findSecrets(text, scene.secrets).map((hit) => `${where}: ${hit}`)
    })
    assert.deepEqual(found, [])
  })
})
