/**
 * Three networks: clients outside, a door between, gateway and RabbitMQ inside, where no inbound connection is let in at all. A
 * client reaches the broker as who it is mapped to; and the door's process knows nothing of what it passed on.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hashPassword } from '../../auth/index.ts'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { findSecrets } from '../support/canary.ts'
import { Capture } from '../support/capture.ts'
import { CommandProcess } from '../support/command-process.ts'
import { basic, PASSWORD } from '../support/door.ts'
import { listeningAt } from '../support/listening.ts'
import { makeNetworks, type Networks, type Place } from '../support/namespaces.ts'
import { formsIn, heldBy } from '../support/process-memory.ts'
import { SOURCE_OPTIONS } from '../support/source-options.ts'
import { until } from '../support/until.ts'
import { Wall } from '../support/wall.ts'

const support = (name: string) => fileURLToPath(new URL(`../support/${name}`, import.meta.url))

const QUEUE = `CANARY-queue-${randomBytes(12).toString('hex')}`
const MESSAGE = `CANARY-message-${randomBytes(12).toString('hex')}`

let networks: Networks
let wall: Wall
let broker: TestBroker
let door: CommandProcess
let gateway: CommandProcess
/** Of all that passes the door, on both sides; undefined where nobody may. */
let capture: Capture | undefined
const children: ChildProcess[] = []

/** Runs a program in a network; resolves with the first line that it prints. */
async function launch(place: Place, args: readonly string[], env: Record<string, string> = {}): Promise<unknown> {
  const [program = '', ...rest] = [...place.through, process.execPath, ...args]
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line')) as [string]
  return JSON.parse(line)
}

const urlOf = async (process: CommandProcess, event: string) => new URL(String((await process.event(event))['url']))

let smithj: Awaited<ReturnType<TestBroker['user']>>
let doorFile: string
let doorUrl: URL

before(async () => {
  networks = await makeNetworks()
  wall = await Wall.build()
  broker = await testBroker()
  smithj = await broker.user('smithj')
  const { folder } = wall.certificates
  const written = async (name: string, value: unknown): Promise<string> => {
    const file = join(folder, name)
    await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value), { mode: 0o600 })
    return file
  }
  const { inner } = wall.input()
  const { doorAddress, innerDoorAddress } = networks
  doorFile = await written('door.yaml', {
    ...wall.input(),
    listen: { host: doorAddress, port: networks.areNamespaces ? 443 : 0 },
    inner: { ...inner, host: innerDoorAddress, port: networks.areNamespaces ? 8444 : 0 },
  })
  if (process.getuid?.() === 0)
    capture = await Capture.begin(networks.between, join(folder, 'packets.pcap'), [doorAddress, innerDoorAddress])
  door = new CommandProcess(['door', '-c', doorFile], {}, networks.between.through)
  const innerUrl = await urlOf(door, 'door-ready')
  doorUrl = await urlOf(door, 'door-started')

  const path = join(folder, 'broker.sock')
  const outward = await launch({ through: [] }, [support('unix-bridge.mjs'), path, `${broker.host}:${broker.port}`])
  assert.ok(outward)
  const { port } = (await launch(networks.inside, [support('unix-bridge.mjs'), '127.0.0.1:0', path])) as {
    port: number
  }
  const listener = wall.listener([`tls://${innerUrl.host}`], 4)
  const gatewayFile = await written('gatehouse.yaml', {
    listen: [listener],
    admin: { port: 0 },
    log: { level: 'debug' },
    brokers: {
      main: {
        urls: [`amqp://127.0.0.1:${port}`],
        credentials: {
          smithj: { username: smithj.username, password: { file: await written('smithj', smithj.password) } },
        },
      },
    },
    authenticators: {
      staff: {
        type: 'basic',
        users: await written('users.yaml', {
          users: { 'joe.smith': { password: await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 }) } },
        }),
      },
    },
    services: [
      {
        path: '/amqp',
        broker: 'main',
        vhost: broker.vhost,
        authenticate: 'staff',
        promote: [{ when: { subject: 'joe.smith' }, to: 'smithj' }],
      },
    ],
    drain: '0s',
  })
  gateway = new CommandProcess(['serve', '-c', gatewayFile], {}, networks.inside.through)
  await gateway.event('door-joined')
})

after(async () => {
  for (const child of children) child.kill('SIGKILL')
  capture?.stop()
  await gateway?.kill()
  await door?.kill()
  await networks?.remove()
  await broker?.stop()
  await wall?.remove()
})

describe('through the wall', () => {
  it('a client outside reaches RabbitMQ inside, as the user that it is mapped to', async (t) => {
    t.diagnostic(
      networks.areNamespaces ? 'network namespaces with nftables' : 'addresses of 127.0.0.0/8: no namespaces',
    )
    const order = {
      url: `wss://${doorUrl.hostname}:${doorUrl.port || 443}/amqp`,
      servername: 'localhost',
      ca: wall.certificates.authority.ca,
      authorization: basic(),
      queue: QUEUE,
      message: MESSAGE,
    }
    const program = [...SOURCE_OPTIONS, support('outside-client-program.ts')]
    assert.deepEqual(await launch(networks.outside, program, { ORDER: JSON.stringify(order) }), { isSame: true })
    const own = await until(
      async () => (await broker.connections()).find(({ user }) => user === smithj.username),
      'its row',
    )
    assert.equal(own.vhost, broker.vhost)
    const opened = await gateway.event('session-opened')
    assert.equal(opened['address'], networks.areNamespaces ? '10.99.0.2' : '0.0.0.0')
  })

  const canaries = () => ({
    'the password of the user': PASSWORD,
    'the header with it': basic().slice('Basic '.length),
    'the password of the broker user': smithj.password,
    'the message': MESSAGE,
    'the key of the site': wall.certificates.server.key.split('\n')[1] ?? '',
    'the queue, as frames name it': QUEUE,
    'the user that it is mapped to': smithj.username,
  })

  it('G95 the traffic on both sides of the door shows nothing of it', async (t) => {
    if (capture === undefined) return t.diagnostic('not root: the traffic was not captured')
    const packets = await capture.end()
    // What a client says in the clear is found by the same search.
    assert.deepEqual(formsIn([packets], { ...canaries(), 'the site': 'localhost' }), ['the site'])
    t.diagnostic(`${packets.length} bytes of packets`)
  })

  it('G95 the door holds nothing of it: not in memory, in files or in its environment', async (t) => {
    const secrets = canaries()
    const control = { 'the key of the tunnel': wall.doorCertificate.key.split('\n')[1] ?? '', 'a name': 'inner-a' }
    // What it does hold is found by the same search.
    assert.deepEqual(heldBy(door.pid, { ...secrets, ...control }), Object.keys(control).sort())
    const environment = await readFile(`/proc/${door.pid}/environ`, 'latin1')
    const texts = { PASSWORD, smithj: smithj.password, message: MESSAGE }
    assert.deepEqual(
      findSecrets(environment + door.stdout + door.stderr + (await readFile(doorFile, 'utf8')), texts),
      [],
    )
    const open = await Promise.all(
      (await readdir(`/proc/${door.pid}/fd`)).map(
        async (fd) =>
          await promisify(execFile)('readlink', [`/proc/${door.pid}/fd/${fd}`]).then(
            ({ stdout }) => stdout,
            () => '',
          ),
      ),
    )
    assert.deepEqual(
      open.filter((file) => file.startsWith(wall.certificates.folder)),
      [],
    )
    t.diagnostic(`searched ${Object.keys(secrets).length} secrets`)
  })

  it('G95 the network inside takes no connection from anybody', async (t) => {
    // The gateway is at doors alone: nobody could connect to it even where nothing is dropped.
    const admin = new URL(String((await gateway.event('admin-started'))['url']))
    assert.deepEqual(await listeningAt(gateway.pid), [admin.host])
    if (!networks.areNamespaces) return t.diagnostic('no namespaces: what the firewall drops was not tried')
    const before = await networks.droppedCount()
    const tried = `const { connect } = require('node:net')
      const socket = connect({ host: '${networks.insideAddress}', port: 8080, timeout: 700 })
      const say = (what) => { console.log(JSON.stringify(what)); process.exit() }
      socket.on('connect', () => say('connected')).on('timeout', () => say('nothing')).on('error', ({ code }) => say(code))`
    assert.equal(await launch(networks.between, ['-e', tried]), 'nothing')
    assert.ok((await networks.droppedCount()) > before)
    assert.equal(await launch(networks.outside, ['-e', tried]), 'ENETUNREACH')
  })
})
