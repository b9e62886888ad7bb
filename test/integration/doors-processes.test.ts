/**
 * Doors and gateways as processes of their own, which are stopped, killed, started again and cut off: what a fault costs
 * clients, that sessions elsewhere go on, and that no process keeps a socket of it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { hashPassword } from '../../auth/index.ts'
import { freePorts } from '../../src/demo/processes.ts'
import { type AmqplibConnection, connectAmqplib } from '../support/amqplib-over-websocket.ts'
import { Cable } from '../support/cable.ts'
import { CommandProcess } from '../support/command-process.ts'
import { BROKER_PASSWORD, basic, PASSWORD } from '../support/door.ts'
import { type FakeBroker, startFakeBroker } from '../support/fake-broker.ts'
import { until, within } from '../support/until.ts'
import { Wall } from '../support/wall.ts'

/** More of them: `npm run test:doors`. */
const FAULT_COUNT = Number(process.env['DOOR_PROCESS_FAULTS'] ?? 2)
/** What a loaded machine may add to what is promised. */
const SLACK_MS = Number(process.env['DOOR_SLACK_MS'] ?? 2_000)
/** What a dead connection may cost a client. */
const DEAD_MS = 500
/** For a session by the other way. */
const OTHER_MS = 2_000
const SPARE = 4
const DEADLINE_MS = 60_000

const FAULTS = ['stopped gateway', 'killed gateway', 'cut cable', 'killed door'] as const
type Fault = (typeof FAULTS)[number]

/** One of each first; then mostly those that need no new process. */
function faultOf(index: number): Fault {
  const place = index % 20
  return FAULTS[place < FAULTS.length ? place : 2 * (place % 2)] ?? 'stopped gateway'
}

let wall: Wall
let broker: FakeBroker
let cable: Cable
/** Gateway A is at door 1 by the cable; gateway B at both doors. */
let doors: [CommandProcess, CommandProcess]
let gateways: [CommandProcess, CommandProcess]
let doorFiles: readonly [string, string]
let gatewayFiles: readonly [string, string]
let ports: readonly number[]
const [A, B] = [0, 1] as const

const door = (which: 0 | 1) => new CommandProcess(['door', '-c', doorFiles[which]], {})
const gateway = (which: 0 | 1) => new CommandProcess(['serve', '-c', gatewayFiles[which]], {})

before(async () => {
  wall = await Wall.build()
  broker = await startFakeBroker()
  ports = await freePorts(6)
  const [clients1 = 0, inner1 = 0, clients2 = 0, inner2 = 0, admin1 = 0, admin2 = 0] = ports
  cable = await Cable.lay(inner1)
  const { folder } = wall.certificates
  const written = async (name: string, value: unknown): Promise<string> => {
    const file = join(folder, name)
    await writeFile(file, JSON.stringify(value), { mode: 0o600 })
    return file
  }
  const { inner } = wall.input()
  const doorFile = async (name: string, port: number, innerPort: number, adminPort: number) =>
    await written(name, {
      ...wall.input({ listen: { host: '127.0.0.1', port }, admin: { port: adminPort }, wait: '5s' }),
      inner: { ...inner, port: innerPort },
    })
  doorFiles = [
    await doorFile('door1.yaml', clients1, inner1, admin1),
    await doorFile('door2.yaml', clients2, inner2, admin2),
  ]
  const users = await written('users.yaml', {
    users: { 'joe.smith': { password: await hashPassword(PASSWORD, { ln: 10, r: 8, p: 1 }) } },
  })
  const secret = join(folder, 'smithj')
  await writeFile(secret, BROKER_PASSWORD, { mode: 0o600 })
  const gatewayFile = async (name: string, urls: readonly string[], which: 0 | 1) =>
    await written(name, {
      listen: [wall.listener(urls, SPARE, which)],
      admin: { port: 0 },
      log: { level: 'info' },
      brokers: {
        main: { urls: [broker.url], credentials: { smithj: { username: 'smithj', password: { file: secret } } } },
      },
      authenticators: { staff: { type: 'basic', users } },
      services: [
        {
          path: '/amqp',
          broker: 'main',
          vhost: '/',
          authenticate: 'staff',
          promote: [{ when: { subject: 'joe.smith' }, to: 'smithj' }],
        },
      ],
      drain: '0s',
    })
  gatewayFiles = [
    await gatewayFile('a.yaml', [`tls://127.0.0.1:${cable.port}`], A),
    await gatewayFile('b.yaml', [`tls://127.0.0.1:${inner1}`, `tls://127.0.0.1:${inner2}`], B),
  ]
  doors = [door(0), door(1)]
  gateways = [gateway(A), gateway(B)]
  await Promise.all([spare(0, 2 * SPARE), spare(1, SPARE)])
})

after(async () => {
  // A process that is stopped ends by SIGKILL, too.
  for (const one of [...(gateways ?? []), ...(doors ?? [])]) await one.kill()
  cable?.remove()
  await broker?.close()
  await wall?.remove()
})

/** Resolves when so many connections wait at a door. */
async function spare(which: 0 | 1, count: number): Promise<void> {
  const url = `http://127.0.0.1:${ports[4 + which]}/metrics`
  const look = async () => {
    const text = await fetch(url).then(
      async (answer) => await answer.text(),
      () => '',
    )
    return Number(/^gatehouse_door_spare\{site="\*"\} (\d+)$/m.exec(text)?.[1]) === count
  }
  await until(look, `${count} spare connections at door ${which + 1}`, DEADLINE_MS)
}

const portOf = (which: 0 | 1) => ports[2 * which] ?? 0

/** How long a client's TLS takes, in ms: the door's part of a session, and the dial. */
async function handshake(): Promise<number> {
  const sinceMs = performance.now()
  const socket = connect({ host: '127.0.0.1', port: portOf(0), servername: 'localhost', rejectUnauthorized: false })
  socket.on('error', () => undefined)
  try {
    await within(once(socket, 'secureConnect'), 'TLS of a client', DEADLINE_MS)
    return performance.now() - sinceMs
  } finally {
    socket.destroy()
  }
}

async function session(which: 0 | 1): Promise<AmqplibConnection> {
  return await connectAmqplib(`wss://localhost:${portOf(which)}/amqp`, {
    websocket: { family: 4, ca: wall.certificates.authority.ca, headers: { authorization: basic() } },
    deadlineMs: DEADLINE_MS,
  })
}

async function useIt({ connection }: AmqplibConnection): Promise<void> {
  const channel = await within(connection.createChannel(), 'a channel', DEADLINE_MS)
  await channel.close()
}

async function socketsOf({ pid }: CommandProcess): Promise<number> {
  const links = (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))
  return (await Promise.all(links)).filter((link) => link.startsWith('socket:')).length
}

const quiet = async () => await Promise.all([...doors, ...gateways].map(socketsOf))

/** @returns what ends it */
function begin(fault: Fault): () => Promise<void> {
  const again = async () => await spare(0, 2 * SPARE)
  switch (fault) {
    case 'stopped gateway':
      gateways[A].signal('SIGSTOP')
      return async () => {
        gateways[A].signal('SIGCONT')
        await again()
      }
    case 'cut cable':
      cable.cut()
      return async () => {
        cable.mend()
        await again()
      }
    case 'killed gateway':
      gateways[A].signal('SIGKILL')
      return async () => {
        await gateways[A].exit()
        gateways[A] = gateway(A)
        await again()
      }
    default:
      doors[0].signal('SIGKILL')
      return async () => {
        await doors[0].exit()
        doors[0] = door(0)
        await again()
      }
  }
}

describe('doors and gateways as processes', () => {
  it(`G96 ${FAULT_COUNT} faults cost clients little, sessions elsewhere nothing, and leave no socket behind`, async (t) => {
    for (let n = 0; n < 2 * SPARE; n++) await handshake()
    await spare(0, 2 * SPARE)
    const before = await until(async () => await isSteady(), 'processes that are at rest', DEADLINE_MS)
    // Of gateway B, by the door that nothing happens to.
    const steady = await session(1)
    const costs: number[] = []
    const others: number[] = []
    for (let index = 0; index < FAULT_COUNT; index++) {
      const fault = faultOf(index)
      const end = begin(fault)
      if (fault === 'killed door') await doors[0].exit()
      // The oldest connection is asked first: so many clients ask gateway A, unless others arrive meanwhile.
      else for (let n = 0; n <= (index < FAULTS.length ? SPARE : 0); n++) costs.push(await handshake())
      const sinceMs = performance.now()
      const other = await session(fault === 'killed door' ? 1 : 0)
      others.push(performance.now() - sinceMs)
      await Promise.all([useIt(steady), useIt(other)])
      await other.connection.close()
      await end()
    }
    await steady.connection.close()
    t.diagnostic(
      `a client's TLS took ${Math.round(Math.max(...costs))} ms at most, a session ${Math.round(Math.max(...others))} ms`,
    )
    assert.ok(Math.max(...costs) <= DEAD_MS + SLACK_MS, `${Math.max(...costs)} ms`)
    assert.ok(Math.max(...others) <= OTHER_MS + SLACK_MS, `${Math.max(...others)} ms`)
    await spare(1, SPARE)
    await until(
      async () => (await quiet()).every((count, index) => count <= (before[index] ?? 0)),
      `sockets of doors and gateways as before: ${before}`,
      DEADLINE_MS,
    )
  })
})

/** How many sockets each process has, when that has stayed the same for a moment. */
async function isSteady(): Promise<readonly number[] | undefined> {
  const first = await quiet()
  await Promise.all([spare(0, 2 * SPARE), spare(1, SPARE)])
  const second = await quiet()
  return first.every((count, index) => count === second[index]) ? second : undefined
}
