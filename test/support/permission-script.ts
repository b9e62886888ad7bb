/**
 * Generated permissions and generated methods, for the same script to be run twice: straight at the broker with RabbitMQ's own
 * permissions, and through the gateway with the same policy over an account that may do everything.
 */
import type { Table } from '../../proxy/codec/table.ts'
import { consume, exchangeBind, exchangeDeclare, queueBind, queueDeclare, text } from './filter-session.ts'

/** Every name starts out as what its first letter says: a queue, a topic exchange, a fanout exchange. */
export const QUEUES = ['q.1', 'q.2', 'q.3']
export const TOPICS = ['t.1', 't.2']
export const FANOUTS = ['f.1']
const EXCHANGES = [...TOPICS, ...FANOUTS]
const NAMES = [...QUEUES, ...EXCHANGES]
/** Names that nothing has in the beginning. */
const FREE = ['q.9', 't.9']

/** A key pattern for the gateway, and the same as an expression over binding keys and routing keys for RabbitMQ. */
const KEY_RULES = [
  { topic: '#', expression: '.*' },
  { topic: 'a.#', expression: '^a(\\..*)?$' },
  { topic: 'a.b', expression: '^a\\.b$' },
] as const
const KEYS = ['a', 'a.b', 'a.b.c', 'b', 'b.c', 'a.*', 'a.#', '#', '*.b']

export interface ScriptPolicy {
  readonly configure: readonly string[]
  readonly write: readonly string[]
  readonly read: readonly string[]
  /** For each topic exchange, which of KEY_RULES applies to writing and to reading. */
  readonly keys: Readonly<Record<string, { readonly write: number; readonly read: number }>>
}

/** One method, as both sides get it. */
export interface Step {
  readonly method: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly copies?: readonly string[]
  readonly replyTo?: string
}

/** A small generator of pseudo-random numbers, so that a seed says everything. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 up to, but not including, `below`. */
  roll(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }

  pick<T>(from: readonly T[]): T {
    return from[this.roll(from.length)] as T
  }

  chance(percent: number): boolean {
    return this.roll(100) < percent
  }
}

export function rollPolicy(dice: Dice): ScriptPolicy {
  const some = (percent: number): string[] => [...NAMES, ...FREE].filter(() => dice.chance(percent))
  const rule = (): number => dice.roll(KEY_RULES.length)
  return {
    configure: some(50),
    write: some(65),
    read: some(65),
    keys: Object.fromEntries(TOPICS.map((name) => [name, { write: rule(), read: rule() }])),
  }
}

/** The policy as an entry of `permissions`. */
export function asEntry({ configure, write, read, keys }: ScriptPolicy) {
  const isQueue = (name: string): boolean => name.startsWith('q.')
  const keyed = (name: string, list: 'write' | 'read') => {
    const rule = keys[name]
    return isQueue(name) ? { queue: name } : { exchange: name, routingKey: KEY_RULES[rule?.[list] ?? 0]?.topic ?? '#' }
  }
  return {
    configure: configure.map((name) => (isQueue(name) ? { queue: name } : { exchange: name })),
    write: write.map((name) => keyed(name, 'write')),
    read: read.map((name) => keyed(name, 'read')),
  }
}

/** The policy as RabbitMQ has it: expressions over names. Writing to the default exchange is one permission there. */
export function asPermission({ configure, write, read }: ScriptPolicy): {
  configure: string
  write: string
  read: string
} {
  const any = (names: readonly string[]): string => `^(${names.map((name) => name.replaceAll('.', '\\.')).join('|')})$`
  return { configure: any(configure), write: any([...write, 'amq.default']), read: any(read) }
}

/** The policy's topic permissions. */
export function asTopicPermissions({ keys }: ScriptPolicy): { exchange: string; write: string; read: string }[] {
  return Object.entries(keys).map(([exchange, { write, read }]) => ({
    exchange,
    write: KEY_RULES[write]?.expression ?? '.*',
    read: KEY_RULES[read]?.expression ?? '.*',
  }))
}

export function rollStep(dice: Dice): Step {
  const queue = dice.pick([...QUEUES, ...QUEUES, 'q.9'])
  const exchange = dice.pick([...EXCHANGES, ...EXCHANGES, 't.9'])
  const key = dice.pick(KEYS)
  const passive = dice.chance(20)
  const step = (method: string, fields: object, more: Partial<Step> = {}): Step => ({
    method,
    fields: { ...fields },
    ...more,
  })
  const steps: (() => Step)[] = [
    () =>
      step(
        'queue.declare',
        queueDeclare(queue, { passive, exclusive: false, arguments: passive ? [] : deadLetters(dice) }),
      ),
    () => step('queue.delete', { queue, ifUnused: dice.chance(10), ifEmpty: dice.chance(10), noWait: false }),
    () => step('queue.bind', queueBind(queue, exchange, key)),
    () => step('queue.unbind', { queue, exchange, routingKey: key, arguments: [] }),
    () => step('queue.purge', { queue, noWait: false }),
    () =>
      step(
        'exchange.declare',
        exchangeDeclare(exchange, { type: typeOf(exchange), passive, arguments: passive ? [] : alternate(dice) }),
      ),
    () => step('exchange.delete', { exchange, ifUnused: dice.chance(10), noWait: false }),
    () => step('exchange.bind', exchangeBind(dice.pick(EXCHANGES), exchange, key)),
    () => step('exchange.unbind', exchangeBind(dice.pick(EXCHANGES), exchange, key)),
    () => step('basic.get', { queue, noAck: true }),
    () => step('basic.consume', consume(queue, { consumerTag: 'script', noAck: false })),
  ]
  if (dice.chance(2)) return step(dice.pick(['tx.select', 'tx.commit', 'tx.rollback']), {})
  // Publishing is what most clients do most of the time.
  if (dice.chance(30)) return publish(dice, exchange, queue, key)
  return dice.pick(steps)()
}

function publish(dice: Dice, exchange: string, queue: string, key: string): Step {
  const toDefault = dice.chance(25)
  return {
    method: 'basic.publish',
    fields: { exchange: toDefault ? '' : exchange, routingKey: toDefault ? queue : key },
    ...(dice.chance(15) ? { copies: [toDefault ? dice.pick(QUEUES) : dice.pick(KEYS)] } : {}),
    ...(dice.chance(5) ? { replyTo: dice.pick(QUEUES) } : {}),
  }
}

function deadLetters(dice: Dice): Table {
  if (dice.chance(80)) return []
  const key = { key: 'x-dead-letter-routing-key', ...text(dice.pick(KEYS)) }
  return [{ key: 'x-dead-letter-exchange', ...text(dice.pick([...EXCHANGES, ''])) }, ...(dice.chance(50) ? [key] : [])]
}

function alternate(dice: Dice): Table {
  return dice.chance(80) ? [] : [{ key: 'alternate-exchange', ...text(dice.pick(EXCHANGES)) }]
}

/** Always the type it has from the beginning, so that declaring it again is no question of type. */
function typeOf(exchange: string): string {
  return exchange.startsWith('f.') ? 'fanout' : 'topic'
}
