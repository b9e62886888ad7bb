/**
 * `npm run soak`: publishers and consumers through Gatehouse for a while, as brokers and gateways are killed, cables cut,
 * packets sliced and alarms raised; then the ledger is closed. Half the clients go through a gateway that is killed and
 * drained with the rest, half through one that has to live through it all and is measured after every fault. The exit
 * code is 1 when something confirmed is lost, an order is wrong, or that gateway keeps what it should have let go.
 */
import { parseArgs } from 'node:util'
import { connect } from 'amqplib'
import { hashPassword } from '../../auth/index.ts'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { CommandProcess } from '../support/command-process.ts'
import { startMeasuredGateway } from '../support/measured-gateway.ts'
import { Random } from '../support/random.ts'
import { startTap } from '../support/tap.ts'
import { until } from '../support/until.ts'
import { Load, QUEUE } from './clients.ts'
import { Ledger } from './ledger.ts'
import { type Sample, slopePerHour } from './slope.ts'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 0x1_0000_0000) },
    publishers: { type: 'string', default: '6' },
    consumers: { type: 'string', default: '4' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log('npm run soak -- [--minutes N (1)] [--seed N] [--publishers N (6)] [--consumers N (4)]')
  process.exit()
}

const FAULT_EVERY_MS = 6000
const MIB = 1024 * 1024
/** What objects may gain over a run by the line that fits them; caches and compilers settle in the first part. */
const HEAP_GROWTH_BYTES = 4 * MIB
/** Buffers are full or empty as the load has it. */
const BUFFER_GROWTH_BYTES = 24 * MIB
const SETTLING = 0.25

const random = new Random(Number(options.seed))
const ledger = new Ledger()
const rabbit = await startRabbit({ source: 'private', config: ['log.console = false'] })
const tap = await startTap(rabbit, { records: false })
await rabbit.management.addUser('soak', 'soak')
await rabbit.management.permit('soak', '/')
const judge = await connect(rabbit.url)
await (await judge.createChannel()).assertQueue(QUEUE, { durable: true })
await judge.close()

const steady = await startMeasuredGateway({
  listen: { host: '127.0.0.1', port: 0 },
  brokers: { broker: { urls: [tap.url] } },
  authenticators: { users: { type: 'basic', users: { soak: { password: await hashPassword('soak') } } } },
  services: [
    {
      path: '/amqp',
      broker: 'broker',
      vhost: '/',
      authenticate: ['users'],
      promote: [{ to: { username: 'soak', password: 'soak' } }],
    },
  ],
})
let mortal = await startMortal(0)
const port = Number(new URL(await mortal.url()).port)
const load = new Load((id) => `${id % 2 === 0 ? steady.url : `ws://127.0.0.1:${port}`}/amqp`, ledger)

const FAULTS: Readonly<Record<string, () => Promise<void>>> = {
  'the broker is killed': async () => {
    await rabbit.halt('SIGKILL')
    await rabbit.restart()
  },
  'the gateway is killed': async () => {
    await mortal.kill()
    mortal = await startMortal(port)
  },
  'the gateway drains and restarts': async () => {
    mortal.signal('SIGTERM')
    await mortal.exit()
    mortal = await startMortal(port)
  },
  'broker connections are reset': async () => {
    for (const connection of open()) if (random.chance(2)) connection.reset()
  },
  'cables are pulled for two seconds': async () => {
    const pulled = open()
    for (const connection of pulled) connection.blackhole()
    await wait(2000)
    for (const connection of pulled) connection.reset()
  },
  'packets are cut into slices': async () => {
    tap.behaviour.sliceBytes = 1 + random.below(40)
    await wait(2000)
    delete tap.behaviour.sliceBytes
  },
  'the memory alarm goes off': async () => {
    await rabbit.ctl('set_vm_memory_high_watermark', '0.000001')
    await wait(2000)
    await rabbit.ctl('set_vm_memory_high_watermark', '0.4')
  },
}

const startedMs = performance.now()
const runMs = Number(options.minutes) * 60_000
const heap: Sample[] = []
const buffers: Sample[] = []
const faults = new Map<string, number>()
console.log(
  `seed ${options.seed}, ${options.minutes} min, Node.js ${process.version}, RabbitMQ ${rabbit.version}, ${options.publishers} publishers, ${options.consumers} consumers`,
)
let problems: string[] = []
try {
  const before = await steady.measure()
  load.start(Number(options.publishers), Number(options.consumers))
  while (performance.now() < startedMs + runMs) {
    await wait(FAULT_EVERY_MS)
    const now = await steady.measure()
    heap.push({ atMs: performance.now() - startedMs, value: now.heapBytes })
    buffers.push({ atMs: performance.now() - startedMs, value: now.bufferBytes })
    const name = random.pick(Object.keys(FAULTS))
    faults.set(name, (faults.get(name) ?? 0) + 1)
    console.log(
      `${stamp()} ${name}; confirmed ${ledger.confirmedCount}, the steady gateway: heap ${mib(now.heapBytes)}, buffers ${mib(now.bufferBytes)}, resident ${mib(now.residentBytes)} MiB, ${now.descriptors} descriptors`,
    )
    await FAULTS[name]?.()
  }
  problems = await close(before.descriptors)
} finally {
  await mortal.kill()
  await steady.stop()
  await tap.close()
  await rabbit.stop()
}
for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? 'everything fits' : `${problems.length} problems, seed ${options.seed}`)
process.exit(problems.length === 0 ? 0 : 1)

/** Everything confirmed has to come out, and the gateway that lived through it must be what it was before. */
async function close(descriptorsBefore: number): Promise<string[]> {
  load.stopPublishing()
  // A run this long may leave a long queue; what counts is that it gets shorter until nothing is left.
  await until(async () => (await depth()) === 0, 'the queue to empty', 60_000 + runMs / 2)
  await load.stop()
  const after = await until(
    async () => {
      const now = await steady.measure()
      return now.descriptors <= descriptorsBefore && now
    },
    'the descriptors of the clients to be given back',
    15_000,
  ).catch(() => steady.measure())
  const { sentCount, confirmedCount, deliveries, redelivered, disorder } = ledger
  const settled = ({ atMs }: Sample): boolean => atMs > runMs * SETTLING
  const heapSlope = slopePerHour(heap.filter(settled))
  const bufferSlope = slopePerHour(buffers.filter(settled))
  const hours = runMs / 3_600_000
  console.log(
    `sent ${sentCount}, confirmed ${confirmedCount}, delivered ${deliveries} (${redelivered} again), ${load.connects} connects`,
  )
  console.log(`faults: ${[...faults].map(([name, count]) => `${count} × ${name}`).join(', ')}`)
  console.log(
    `the steady gateway: heap ${mib(heap[0]?.value ?? 0)} → ${mib(heap.at(-1)?.value ?? 0)} MiB, ${mib(heapSlope)} MiB/h; buffers ${mib(bufferSlope)} MiB/h; idle again: heap ${mib(after.heapBytes)}, resident ${mib(after.residentBytes)} MiB; descriptors ${descriptorsBefore} → ${after.descriptors}`,
  )
  const lost = ledger.lost()
  return [
    ...(confirmedCount === 0 ? ['nothing was confirmed: the run proves nothing'] : []),
    ...(lost.length > 0 ? [`confirmed and lost: ${lost.length}, such as ${lost.slice(0, 5).join(' ')}`] : []),
    ...(disorder.length > 0 ? [`out of order: ${disorder.length}, such as ${disorder.slice(0, 5).join(' ')}`] : []),
    ...(heapSlope * hours > HEAP_GROWTH_BYTES ? ['the heap grew'] : []),
    ...(bufferSlope * hours > BUFFER_GROWTH_BYTES ? ['the buffers grew'] : []),
    ...(after.descriptors > descriptorsBefore ? ['the gateway keeps descriptors'] : []),
    ...(steady.isRunning ? [] : ['the steady gateway died']),
  ]
}

async function depth(): Promise<number> {
  const connection = await connect(rabbit.url)
  const channel = await connection.createChannel()
  const { messageCount } = await channel.checkQueue(QUEUE)
  await connection.close()
  return messageCount
}

async function startMortal(onPort: number): Promise<CommandProcess> {
  const users = ['--user', 'soak:soak=soak:soak']
  const started = new CommandProcess(['serve', '--broker', tap.url, '--port', String(onPort), ...users], {})
  await started.url()
  return started
}

function open() {
  return tap.connections.filter(({ isOpen }) => isOpen)
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1)
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function stamp(): string {
  return new Date().toISOString().slice(11, 19)
}
