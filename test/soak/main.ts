/**
 * `npm run soak`: publishers and consumers through Gatehouse for a while, as brokers and gateways are killed, cables cut,
 * packets sliced and alarms raised; then the ledger is closed. The exit code is 1 when something confirmed is lost,
 * an order is wrong, or the gateway keeps what it should have let go.
 */
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { connect } from 'amqplib'
import { startRabbit } from '../../src/demo/rabbitmq.ts'
import { residentBytes } from '../bench/process.ts'
import { Random } from '../fuzz/random.ts'
import { CommandProcess } from '../support/command-process.ts'
import { startTap } from '../support/tap.ts'
import { until } from '../support/until.ts'
import { Load, QUEUE } from './clients.ts'
import { Ledger } from './ledger.ts'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 0x1_0000_0000) },
    publishers: { type: 'string', default: '6' },
    consumers: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log('npm run soak -- [--minutes N (1)] [--seed N] [--publishers N (6)] [--consumers N (3)]')
  process.exit()
}

const FAULT_EVERY_MS = 6000
const GROWTH_BYTES = 96 * 1024 * 1024

const random = new Random(Number(options.seed))
const ledger = new Ledger()
const rabbit = await startRabbit({ source: 'private' })
const tap = await startTap(rabbit, { records: false })
await rabbit.management.addUser('soak', 'soak')
await rabbit.management.permit('soak', '/')
const judge = await connect(rabbit.url)
await (await judge.createChannel()).assertQueue(QUEUE, { durable: true })
await judge.close()

let gateway = await startGatewayProcess(0)
const port = Number(new URL(await gateway.url()).port)
const load = new Load(() => `ws://127.0.0.1:${port}/amqp`, ledger)

const FAULTS: Readonly<Record<string, () => Promise<void>>> = {
  'the broker is killed': async () => {
    await rabbit.halt('SIGKILL')
    await rabbit.restart()
  },
  'the gateway is killed': async () => {
    await gateway.kill()
    gateway = await startGatewayProcess(port)
  },
  'the gateway drains and restarts': async () => {
    gateway.signal('SIGTERM')
    await gateway.exit()
    gateway = await startGatewayProcess(port)
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

console.log(`seed ${options.seed}, ${options.minutes} min, RabbitMQ ${rabbit.version}`)
let problems: string[] = []
try {
  load.start(Number(options.publishers), Number(options.consumers))
  const endsAt = performance.now() + Number(options.minutes) * 60_000
  while (performance.now() < endsAt) {
    await wait(FAULT_EVERY_MS)
    const name = random.pick(Object.keys(FAULTS))
    console.log(`${stamp()} ${name}`)
    await FAULTS[name]?.()
  }
  problems = await close()
} finally {
  await gateway.kill()
  await tap.close()
  await rabbit.stop()
}
for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? 'everything fits' : `${problems.length} problems, seed ${options.seed}`)
process.exit(problems.length === 0 ? 0 : 1)

/** A calm end: a gateway that has been through a calm load must be as small as when it began. */
async function close(): Promise<string[]> {
  gateway.signal('SIGTERM')
  await gateway.exit()
  gateway = await startGatewayProcess(port)
  const { pid } = gateway
  await wait(4000)
  const before = { bytes: residentBytes(pid), descriptors: descriptors(pid) }
  await wait(8000)
  load.stopPublishing()
  await until(async () => (await depth()) === 0, 'the queue to empty', 60_000)
  const after = { bytes: residentBytes(pid), descriptors: descriptors(pid) }
  await load.stop()
  const { sentCount, confirmedCount, deliveries, redelivered, disorder } = ledger
  console.log(
    `sent ${sentCount}, confirmed ${confirmedCount}, delivered ${deliveries} (${redelivered} again), ${load.connects} connects`,
  )
  console.log(
    `gateway: ${Math.round(before.bytes / 1e6)} → ${Math.round(after.bytes / 1e6)} MB, ${before.descriptors} → ${after.descriptors} descriptors`,
  )
  const lost = ledger.lost()
  return [
    ...(confirmedCount === 0 ? ['nothing was confirmed: the run proves nothing'] : []),
    ...(lost.length > 0 ? [`confirmed and lost: ${lost.length}, such as ${lost.slice(0, 5).join(' ')}`] : []),
    ...(disorder.length > 0 ? [`out of order: ${disorder.length}, such as ${disorder.slice(0, 5).join(' ')}`] : []),
    ...(after.bytes - before.bytes > GROWTH_BYTES ? ['the gateway grew'] : []),
    ...(after.descriptors > before.descriptors ? ['the gateway keeps descriptors'] : []),
  ]
}

async function depth(): Promise<number> {
  const connection = await connect(rabbit.url)
  const channel = await connection.createChannel()
  const { messageCount } = await channel.checkQueue(QUEUE)
  await connection.close()
  return messageCount
}

async function startGatewayProcess(onPort: number): Promise<CommandProcess> {
  const users = ['--user', 'soak:soak=soak:soak']
  const started = new CommandProcess(['serve', '--broker', tap.url, '--port', String(onPort), ...users], {})
  await started.url()
  return started
}

function open() {
  return tap.connections.filter(({ isOpen }) => isOpen)
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function stamp(): string {
  return new Date().toISOString().slice(11, 19)
}
