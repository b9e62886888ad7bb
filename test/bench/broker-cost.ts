/**
 * `npm run bench:broker`: what sessions cost RabbitMQ, whoever opens them: memory and file descriptors of idle connections
 * with one channel each, and processor time to open and close one. With the broker's defaults, and with what its own
 * documentation advises for many connections. docs/scaling.md has the figures. Judges nothing.
 */
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Rabbit, startRabbit } from '../../src/demo/rabbitmq.ts'
import { Peer } from '../support/load-peer.ts'
import { processorMicroseconds, residentBytes } from './process.ts'

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log('npm run bench:broker -- [--connections N (1000)] [--runs N (3)]')
  process.exit()
}
const [connections, runs] = [Number(options.connections), Number(options.runs)]
const AT_ONCE = 20

const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  'as installed': [],
  'small buffers': ['tcp_listen_options.sndbuf = 16384', 'tcp_listen_options.recbuf = 16384'],
  'small buffers, statistics each minute': [
    'tcp_listen_options.sndbuf = 16384',
    'tcp_listen_options.recbuf = 16384',
    'collect_statistics_interval = 60000',
  ],
}

interface Cost {
  readonly erlangKiB: number
  readonly residentKiB: number
  readonly descriptors: number
  readonly openAndCloseMs: number
}

interface Use {
  readonly erlangBytes: number
  readonly residentBytes: number
  readonly descriptors: number
}

/** The number that an expression is; whatever the command writes before it is left out. */
async function numberOf(rabbit: Rabbit, expression: string): Promise<number> {
  const answer = await rabbit.evaluate(expression)
  const [, digits] = /(\d+)"?\s*$/.exec(answer) ?? []
  if (digits === undefined) throw new Error(`${expression} is no number: ${answer}`)
  return Number(digits)
}

async function useOf(rabbit: Rabbit, pid: number): Promise<Use> {
  await rabbit.evaluate('[erlang:garbage_collect(P) || P <- erlang:processes()], ok.')
  const erlangBytes = await numberOf(rabbit, 'erlang:memory(total).')
  return { erlangBytes, residentBytes: residentBytes(pid), descriptors: readdirSync(`/proc/${pid}/fd`).length }
}

async function openAll(rabbit: Rabbit): Promise<Peer[]> {
  const door = { url: `amqp://${rabbit.host}:${rabbit.port}`, vhost: '/', user: 'load', password: 'load' }
  const peers: Peer[] = []
  let left = connections
  const opening = Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) peers.push(await Peer.open(door))
  })
  await Promise.all(opening)
  return peers
}

async function measure(config: readonly string[]): Promise<Cost> {
  const rabbit = await startRabbit({
    source: 'private',
    config: ['log.console = false', 'connection_max = infinity', ...config],
  })
  try {
    await rabbit.management.addUser('load', 'load')
    await rabbit.management.permit('load', '/')
    const pid = await numberOf(rabbit, 'os:getpid().')
    // The first ones load code.
    for (const peer of await openAll(rabbit)) await peer.close()
    const before = await useOf(rabbit, pid)
    const sinceMicroseconds = processorMicroseconds(pid)
    const peers = await openAll(rabbit)
    const openedMicroseconds = processorMicroseconds(pid)
    const now = await useOf(rabbit, pid)
    const closingMicroseconds = processorMicroseconds(pid)
    for (const peer of peers) await peer.close()
    const spent = openedMicroseconds - sinceMicroseconds + (processorMicroseconds(pid) - closingMicroseconds)
    return {
      erlangKiB: (now.erlangBytes - before.erlangBytes) / connections / 1024,
      residentKiB: (now.residentBytes - before.residentBytes) / connections / 1024,
      descriptors: (now.descriptors - before.descriptors) / connections,
      openAndCloseMs: spent / connections / 1000,
    }
  } finally {
    await rabbit.stop()
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}

console.log(`each of ${connections} idle connections with one channel, medians of ${runs} runs`)
for (const [name, config] of Object.entries(SETTINGS)) {
  const costs: Cost[] = []
  for (let run = 0; run < runs; run++) costs.push(await measure(config))
  const of = (key: keyof Cost): number => median(costs.map((cost) => cost[key]))
  console.log(
    `${name}: ${of('erlangKiB').toFixed(1)} KiB of Erlang's memory, ${of('residentKiB').toFixed(1)} KiB resident, ` +
      `${of('descriptors').toFixed(2)} file descriptors; open and close ${of('openAndCloseMs').toFixed(2)} ms of processor time`,
  )
}
