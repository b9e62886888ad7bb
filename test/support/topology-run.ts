/**
 * A generated topology on a live broker: others straight at it, joe through a gateway. Beside it goes the model, which does
 * what the gateway let through; in the end messages must lie in the broker's queues where the model has them.
 */
import assert from 'node:assert/strict'
import type { Channel, ConsumeMessage } from 'amqplib'
import type { FromBroker } from '../../proxy/codec/spec.ts'
import { authorizer, type Entry } from './policy.ts'
import { isClosed, type RawClient } from './raw-client.ts'
import { trespass } from './topology-judge.ts'
import { type Passage, TopologyModel } from './topology-model.ts'
import {
  type Attempt,
  apply,
  EXCHANGES,
  methodOf,
  PROBES,
  type PublishAttempt,
  propertiesOf,
  QUEUES,
  type Step,
} from './topology-script.ts'
import { until } from './until.ts'

export interface TopologyPeers {
  /** Through the gateway. */
  readonly joe: RawClient
  /** Straight at the broker, as somebody who may do everything. */
  readonly other: RawClient
  /** Straight at the broker, to see what queues hold. */
  readonly judge: Channel
}

/** @returns the steps that messages took over what joe had made: by right, all of them */
export async function runTopology(
  { joe, other, judge }: TopologyPeers,
  entry: Entry,
  steps: readonly Step[],
): Promise<readonly Passage[]> {
  const model = new TopologyModel()
  await clear(judge)
  for (const [id, step] of steps.entries()) {
    const { by, attempt } = step
    const code = await outcome(by === 'joe' ? joe : other, attempt, id)
    if (by === 'joe' && code === 403) continue
    assert.equal(code, apply(model, step, id), `${by}: ${JSON.stringify(attempt)}`)
  }
  for (const [index, probe] of PROBES.entries()) {
    const id = steps.length + index
    if (apply(model, probe, id) === 0) publish(other, probe.attempt, id)
  }
  assert.equal(await other.verdict(), 'open')
  await found(judge, model)
  const policy = authorizer(entry)
  const own = model.passages.filter(({ by }) => by === 'joe')
  for (const passage of own) assert.equal(trespass(passage, policy), undefined, JSON.stringify(passage))
  return own
}

async function clear(judge: Channel): Promise<void> {
  await Promise.all([
    ...QUEUES.map((queue) => judge.deleteQueue(queue)),
    ...EXCHANGES.map((exchange) => judge.deleteExchange(exchange)),
  ])
}

/** The reply code of the exception, or 0 for none. */
async function outcome(client: RawClient, attempt: Attempt, id: number): Promise<number> {
  if (attempt.kind === 'publish') {
    publish(client, attempt, id)
    const verdict = await client.verdict()
    return isClosed(verdict) ? verdict.code : 0
  }
  const { name, fields } = methodOf(attempt)
  const answer = await client.call(name, fields, `${name}-ok` as FromBroker)
  return isClosed(answer) ? answer.code : 0
}

function publish(client: RawClient, { exchange, message }: PublishAttempt, id: number): void {
  client.publish(exchange, message.keys[0] ?? '', { properties: propertiesOf(message), body: String(id) })
}

/** Waits until every queue has given what it has in the model: each message by its number, with the key it arrived under. */
async function found(judge: Channel, { stored }: TopologyModel): Promise<void> {
  const messages = new Map([...stored.keys()].map((queue) => [queue, [] as string[]]))
  const expected = [...stored].map(([queue, all]) => [queue, all.map(({ id, key }) => `${id} ${key}`).sort()])
  const consumers: string[] = []
  for (const [queue, list] of messages) {
    const take = (message: ConsumeMessage | null) => {
      if (message !== null) list.push(`${message.content.toString()} ${message.fields.routingKey}`)
    }
    consumers.push((await judge.consume(queue, take, { noAck: true })).consumerTag)
  }
  await until(() => {
    assert.deepEqual(
      [...messages].map(([queue, list]) => [queue, list.toSorted()]),
      expected,
    )
    return true
  }, 'every message where the model has it')
  for (const tag of consumers) await judge.cancel(tag)
}
