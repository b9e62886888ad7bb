/**
 * `npm run bench:reload`: many sessions publish with confirms while the configuration is reloaded again and again, which
 * concerns half of them. Says how long the gateway itself pauses, and how long confirms take. Ends with 1 where a session that
 * is not concerned is disturbed, one that is does not follow at once, a confirmed message is not in the broker, or a pause
 * is longer than 20 ms for each 1,000 sessions.
 */
import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { ConfigInput } from '../../src/index.ts'
import type { BrokerUser, TestBroker } from '../support/broker.ts'
import { privateBroker } from '../support/live-gateway.ts'
import { startMeasuredGateway } from '../support/measured-gateway.ts'
import { quantile } from '../support/quantile.ts'
import { connectAll, type Publisher } from './reload-load.ts'

const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '2000' },
    reloads: { type: 'string', default: '100' },
    every: { type: 'string', default: '2000' },
    sources: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(
    'npm run bench:reload -- [--sessions N (2000)] [--reloads N (100)] [--every MS_BETWEEN_MESSAGES (2000)] [--sources]',
  )
  process.exit()
}

const [sessionCount, reloadCount, everyMs] = [options.sessions, options.reloads, options.every].map(Number) as [
  number,
  number,
  number,
]
const PAUSE_MS_PER_THOUSAND = 20
/** Of those that are concerned, so many are asked after each reload what they may do. */
const ASKED = 10
const BETWEEN_MS = 200
const QUEUE = 'load'

/** Turn by turn, half of the sessions may read one queue or the other. */
function config(broker: TestBroker, webuser: BrokerUser, turn: number): ConfigInput {
  const service = {
    broker: 'main',
    vhost: broker.vhost,
    anonymous: true,
    promote: [{ to: 'webuser' }],
    limits: { sessionsPerIdentity: 100_000, handshakesPerAddress: 10_000, handshake: '2m' },
  }
  const write = [{ queue: QUEUE }]
  return {
    listen: { host: '127.0.0.1', port: 0 },
    admin: { port: 0 },
    brokers: { main: { urls: [broker.url], credentials: { webuser } } },
    services: [
      { ...service, path: '/kept', permissions: [{ write, read: [{ queue: 'even' }] }] },
      { ...service, path: '/changed', permissions: [{ write, read: [{ queue: turn % 2 === 0 ? 'even' : 'odd' }] }] },
    ],
    drain: '0s',
  }
}

const broker = await privateBroker()
const webuser = await broker.user('webuser')
const judge = await broker.judge()
const channel = await judge.createChannel()
for (const queue of [QUEUE, 'even', 'odd']) await channel.assertQueue(queue)
const gateway = await startMeasuredGateway(config(broker, webuser, 0), { built: !options.sources })
const faults: string[] = []
/** At which of the reloads the longest pause was, and how long it was. */
let worst = { turn: 0, ms: 0 }
try {
  const startedMs = performance.now()
  const publishers = await connectAll(sessionCount, (index) => `${gateway.url}/${index % 2 === 0 ? 'kept' : 'changed'}`)
  const kept = publishers.filter((_, index) => index % 2 === 0)
  console.log(`${publishers.length} sessions after ${Math.round(performance.now() - startedMs)} ms`)
  let isOver = false
  const work = publishers.map(async (publisher) => {
    await pause(Math.random() * everyMs)
    while (!isOver && !publisher.hasFailed) {
      await publisher.publish(QUEUE)
      await pause(everyMs)
    }
  })
  const { without, during } = await reloadAll(publishers)
  isOver = true
  await Promise.all(work)

  const bound = PAUSE_MS_PER_THOUSAND * Math.max(1, sessionCount / 1000)
  const longest = Math.max(...during)
  if (longest > bound) faults.push(`the gateway paused for ${longest.toFixed(1)} ms, and may for ${bound}`)
  const failed = publishers.filter(({ hasFailed }) => hasFailed).length
  if (failed > 0) faults.push(`${failed} sessions or channels ended`)
  const lost = await lostOf(publishers)
  if (lost > 0) faults.push(`${lost} confirmed messages are not in the broker`)
  const waits = kept.flatMap(({ waitsMs }) => waitsMs).sort((a, b) => a - b)
  const show = (values: readonly number[], part: number) => `${quantile(values, part).toFixed(1)} ms`
  console.log(`load average ${(loadavg()[0] ?? 0).toFixed(1)}`)
  console.log(
    `pauses by the gateway's own work, without a reload: p50 ${show(without, 0.5)}, longest ${show(without, 1)}`,
  )
  console.log(
    `with one: p50 ${show(during, 0.5)}, p99 ${show(during, 0.99)}, longest ${show(during, 1)} at reload ${worst.turn}; bound ${bound} ms`,
  )
  console.log(`confirms of those not concerned: ${waits.length}; p50 ${show(waits, 0.5)}, p99 ${show(waits, 0.99)}`)
  console.log(
    `confirmed messages: ${publishers.reduce((sum, { confirmed }) => sum + confirmed.length, 0)}, lost: ${lost}`,
  )
} finally {
  await gateway.stop()
  await judge.close()
  await broker.stop()
}
for (const fault of faults) console.log(`NOT AS IT SHOULD BE: ${fault}`)
process.exit(faults.length > 0 ? 1 : 0)

/** The longest pauses of each time between reloads and of each reload, in ms, ascending. */
async function reloadAll(publishers: readonly Publisher[]): Promise<Record<'without' | 'during', number[]>> {
  const asked = publishers.filter((_, index) => index % 2 === 1).slice(0, ASKED)
  const [without, during]: [number[], number[]] = [[], []]
  for (let turn = 1; turn <= reloadCount; turn++) {
    await gateway.measure({ collects: false })
    await pause(BETWEEN_MS)
    without.push((await gateway.measure({ collects: false })).longestOwnDelayMs)
    const { longestOwnDelayMs, reloaded } = await gateway.measure({
      collects: false,
      reload: config(broker, webuser, turn),
    })
    during.push(longestOwnDelayMs)
    if (longestOwnDelayMs > worst.ms) worst = { turn, ms: longestOwnDelayMs }
    const expected = { kept: Math.ceil(sessionCount / 2), changed: Math.floor(sessionCount / 2), ended: 0 }
    if (JSON.stringify(reloaded?.sessions) !== JSON.stringify(expected))
      faults.push(`reload ${turn}: ${JSON.stringify(reloaded?.sessions)}`)
    const [now, before] = turn % 2 === 0 ? ['even', 'odd'] : ['odd', 'even']
    for (const publisher of asked) {
      if (await publisher.mayRead(before)) faults.push(`reload ${turn}: what was withdrawn is still there`)
      if (!(await publisher.mayRead(now))) faults.push(`reload ${turn}: what was given is not there`)
    }
  }
  return { without: without.sort((a, b) => a - b), during: during.sort((a, b) => a - b) }
}

/** Confirmed messages that are not in the queue. */
async function lostOf(publishers: readonly Publisher[]): Promise<number> {
  const stored = new Set<string>()
  for (let message = await channel.get(QUEUE, { noAck: true }); message !== false; ) {
    stored.add(message.content.toString())
    message = await channel.get(QUEUE, { noAck: true })
  }
  return publishers.reduce((sum, { confirmed }) => sum + confirmed.filter((id) => !stored.has(id)).length, 0)
}
