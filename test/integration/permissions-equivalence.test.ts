/**
 * The same generated script twice: straight at the broker with its own permissions, and through the gateway with the same
 * policy over an account that may do everything. Same answers, same topology, same depths, but for the documented list.
 *
 * Where RabbitMQ has no rights of this kind (keys on the way from exchange to exchange), the gateway is judged by where
 * messages end: generated topologies on a live broker, each beside a model of it.
 *
 * A case is a method or a topology. A bounded sample by default; `npm run test:equivalence` runs 200,000, in lanes beside
 * each other, each in vhosts of its own. `EQUIVALENCE_SEED` repeats a run.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Channel, ChannelModel } from 'amqplib'
import fc from 'fast-check'
import { type TestBroker, testBroker } from '../support/broker.ts'
import { DEVIATIONS } from '../support/permission-deviations.ts'
import { type PermissionGateway, startPermissionGateway } from '../support/permission-gateway.ts'
import { outcome } from '../support/permission-outcome.ts'
import {
  asEntry,
  asPermission,
  asTopicPermissions,
  Dice,
  FANOUTS,
  QUEUES,
  rollPolicy,
  rollStep,
  TOPICS,
} from '../support/permission-script.ts'
import { RawClient } from '../support/raw-client.ts'
import { runTopology } from '../support/topology-run.ts'
import { permissions, topology as topologies } from '../support/topology-script.ts'

const CASES = Number(process.env['EQUIVALENCE_CASES'] ?? 600)
const SEED = Number(process.env['EQUIVALENCE_SEED'] ?? 5)
const STEPS_PER_POLICY = 100
/** One case in twenty is a topology. */
const TOPOLOGIES = Math.ceil(CASES / 20)
const TOPOLOGIES_PER_POLICY = 20
const POLICIES = Math.ceil((CASES - TOPOLOGIES) / STEPS_PER_POLICY)

const dice = new Dice(SEED)
const policies = Array.from({ length: POLICIES }, () => rollPolicy(dice))
const entries = fc.sample(permissions, { numRuns: Math.ceil(TOPOLOGIES / TOPOLOGIES_PER_POLICY), seed: SEED })

/** Policies of one lane come one after the other, in vhosts of its own. */
interface Lane {
  /** The gateway's. */
  readonly vhost: string
  /** The one that is used straight. */
  readonly directVhost: string
  readonly judges: readonly [direct: ChannelModel, gateway: ChannelModel]
  readonly channels: readonly Channel[]
}
type Services = NonNullable<Parameters<typeof startPermissionGateway>[0]>

const LANES = [0, 1, 2, 3] as const
const laneOf = (index: number) => index % LANES.length

let live: PermissionGateway
let broker: TestBroker
const lanes: Lane[] = []
const explained = new Map<string, number>()

before(async () => {
  broker = await testBroker()
  for (const number of LANES) {
    const [vhost, directVhost] = [await broker.addVhost(`-${number}`), await broker.addVhost(`-${number}-direct`)]
    const judges = [await broker.judge(undefined, directVhost), await broker.judge(undefined, vhost)] as const
    lanes.push({
      vhost,
      directVhost,
      judges,
      channels: await Promise.all(judges.map((judge) => judge.createChannel())),
    })
  }
  const services: Record<string, Services[string]> = {}
  for (const [number, { vhost }] of lanes.entries()) {
    services[`/methods-${number}`] = { vhost, permissions: entriesOf(number, policies.map(asEntry)) }
    services[`/topologies-${number}`] = { vhost, permissions: entriesOf(number, entries) }
  }
  live = await startPermissionGateway(services, 0, broker)
  for (const { vhost } of lanes) await broker.rabbit.management.permit(live.webuser.username, vhost)
})

/** Those of a lane, each for a role of its own. */
function entriesOf<E extends object>(lane: number, all: readonly E[]): (E & { for: { role: string } })[] {
  return all
    .map((entry, index) => ({ ...entry, for: { role: `p${index}` } }))
    .filter((_, index) => laneOf(index) === lane)
}

after(async () => {
  await live.stop()
})

async function anew(client: RawClient): Promise<void> {
  await client.call('channel.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 }, 'channel.close-ok')
  await client.openChannel(1)
}

/** Everything as it is in the beginning. The broker does in order what is sent in one go. */
async function reset(channel: Channel): Promise<void> {
  await Promise.all([
    ...[...QUEUES, 'q.9'].map((queue) => channel.deleteQueue(queue)),
    ...[...TOPICS, ...FANOUTS, 't.9'].map((exchange) => channel.deleteExchange(exchange)),
    ...QUEUES.map((queue) => channel.assertQueue(queue, { durable: false })),
    ...TOPICS.map((exchange) => channel.assertExchange(exchange, 'topic', { durable: false })),
    ...FANOUTS.map((exchange) => channel.assertExchange(exchange, 'fanout', { durable: false })),
    ...BINDINGS.map(([queue, exchange, key]) => channel.bindQueue(queue, exchange, key)),
  ])
}
const BINDINGS = [
  ['q.1', 't.1', 'a.#'],
  ['q.2', 't.1', 'b'],
  ['q.3', 't.2', '#'],
  ['q.3', 'f.1', ''],
] as const

/** Queues with their depths, exchanges and bindings, as the broker tells them. */
async function topology(vhost: string, judge: ChannelModel): Promise<unknown> {
  const { management } = broker.rabbit
  const path = encodeURIComponent(vhost)
  const [bindings, exchanges] = await Promise.all([
    management.request('GET', `/api/bindings/${path}`) as Promise<Record<string, unknown>[]>,
    management.request('GET', `/api/exchanges/${path}`) as Promise<Record<string, unknown>[]>,
  ])
  const depths: [string, number][] = []
  for (const queue of [...QUEUES, 'q.9']) depths.push([queue, await depth(judge, queue)])
  return {
    bindings: bindings.map(({ source, destination, routing_key }) => `${source}→${destination}:${routing_key}`).sort(),
    exchanges: exchanges.map(({ name }) => name).sort(),
    depths,
  }
}

/** -1 where there is no such queue. */
async function depth(judge: ChannelModel, queue: string): Promise<number> {
  const channel: Channel = await judge.createChannel()
  channel.on('error', () => undefined)
  try {
    const { messageCount } = await channel.checkQueue(queue)
    await channel.close()
    return messageCount
  } catch {
    return -1
  }
}

/** Runs the lanes beside each other, and the cases of each in turn. */
function inLanes<T>(all: readonly T[], define: (of: T, index: number, lane: () => Lane) => void): void {
  for (const number of LANES) {
    describe(`lane ${number}`, { concurrency: false }, () => {
      const lane = () => lanes[number] as Lane
      for (const [index, of] of all.entries()) if (laneOf(index) === number) define(of, index, lane)
    })
  }
}

describe('authorisation equivalence', { concurrency: true }, () => {
  inLanes(policies, (policy, index, lane) => {
    it(`policy ${index}: ${STEPS_PER_POLICY} methods have the same outcome`, async () => {
      const { vhost, directVhost, judges, channels } = lane()
      const user = await broker.user(`equal${index}`, { permission: null })
      const { management } = broker.rabbit
      await management.permit(user.username, directVhost, asPermission(policy))
      // RabbitMQ 4.3 takes topic permissions for exchanges that exist, and forgets them with their exchange.
      const renew = async () => {
        await Promise.all(channels.map(reset))
        for (const topic of asTopicPermissions(policy)) await management.permitTopic(user.username, directVhost, topic)
      }
      await renew()
      const direct = await RawClient.overTcp(broker, user, directVhost)
      const gateway = await live.connect('somebody', [`p${index}`], { path: `/methods-${laneOf(index)}` })
      const steps = new Dice(SEED + index)
      try {
        for (let n = 0; n < STEPS_PER_POLICY; n += 1) {
          const step = rollStep(steps)
          const [theirs, ours] = await Promise.all([outcome(direct, step), outcome(gateway, step)])
          if (theirs === ours) continue
          const what = `${JSON.stringify(step)}: direct ${theirs}, gateway ${ours}, policy ${JSON.stringify(policy)}, seed ${SEED}`
          assert.equal(ours, 'channel.close 403', what)
          const deviation = DEVIATIONS.find(({ explains }) => explains?.(step))
          assert.ok(deviation, what)
          explained.set(deviation.name, (explained.get(deviation.name) ?? 0) + 1)
          // The broker did what the gateway did not: from here both start anew, the channel's mode included.
          await renew()
          for (const client of [direct, gateway]) await anew(client)
        }
        assert.deepEqual(await topology(vhost, judges[1]), await topology(directVhost, judges[0]))
      } finally {
        direct.close()
        gateway.close()
      }
    })
  })
})

describe('the deviations', () => {
  it('do not explain it away: most outcomes were the same without any', (test) => {
    const total = [...explained.values()].reduce((sum, count) => sum + count, 0)
    test.diagnostic(
      `${POLICIES * STEPS_PER_POLICY} cases; deviations: ${JSON.stringify(Object.fromEntries(explained))}`,
    )
    assert.ok(total < (POLICIES * STEPS_PER_POLICY) / 5)
  })
})

const passages: Record<string, number> = {}

describe('where messages may end', { concurrency: true }, () => {
  inLanes(entries, (entry, index, lane) => {
    it(`B5 B45 policy ${index}: in ${TOPOLOGIES_PER_POLICY} topologies messages lie where a model has them, and by right`, async () => {
      const { vhost, judges } = lane()
      const joe = await live.connect('somebody', [`p${index}`], { path: `/topologies-${laneOf(index)}` })
      const other = await RawClient.overTcp(broker, broker.rabbit.admin, vhost)
      try {
        const judge = await judges[1].createChannel()
        for (const generated of fc.sample(topologies, { numRuns: TOPOLOGIES_PER_POLICY, seed: SEED + index })) {
          for (const { over, toKind } of await runTopology({ joe, other, judge }, entry, generated)) {
            const way = `${over} to ${toKind}`
            passages[way] = (passages[way] ?? 0) + 1
          }
        }
        await judge.close()
      } finally {
        joe.close()
        other.close()
      }
    })
  })
})

describe('the topologies', () => {
  it('are no empty exercise: messages went over all that a client can declare', (test) => {
    test.diagnostic(
      `${entries.length * TOPOLOGIES_PER_POLICY} topologies; steps over what joe made: ${JSON.stringify(passages)}`,
    )
    const ways = [
      'binding to exchange',
      'binding to queue',
      'alternate exchange to exchange',
      'dead letters to exchange',
    ]
    assert.deepEqual(Object.keys(passages).sort(), ways.sort())
  })
})
