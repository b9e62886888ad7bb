/**
 * Generated topologies: what others have set up, what joe may do, and what joe and others then do; up to six exchanges of all
 * types, two queues in between.
 */
import fc from 'fast-check'
import type { GrantInput } from '../../auth/policy/input.ts'
import type { Properties } from '../../proxy/codec/content.ts'
import type { Arguments, FromClient } from '../../proxy/codec/spec.ts'
import type { Table } from '../../proxy/codec/table.ts'
import { exchangeBind, exchangeDeclare, queueBind, queueDeclare, text, texts } from './filter-session.ts'
import type { Answer, Binding, Maker, Message, TopologyModel } from './topology-model.ts'

/** Exchanges that come and go; beside them there are two that the broker always has. */
export const EXCHANGES: readonly string[] = ['x.1', 'x.2', 'x.3', 'x.4']
const SOURCES = [...EXCHANGES, ...EXCHANGES, 'amq.topic', 'amq.direct']
export const QUEUES: readonly string[] = ['q.1', 'q.2', 'q.3']
/** Those of a broker without plugins. */
const TYPES = ['direct', 'fanout', 'headers', 'topic']
const KEYS = ['a', 'a.b', 'a.b.c', 'b', 'q.1', 'q.2']
const BINDING_KEYS = [...KEYS, 'a.*', 'a.#', '#']
/** Keys that a rule may grant; every key often, so that ways become long. */
const RULES = ['#', '#', '#', '#', 'a.#', 'a.b', undefined]
/** What bindings of headers exchanges may ask for. */
const HEADER: Table = [{ key: 'wanted', ...text('yes') }]

export type Attempt =
  | {
      readonly kind: 'declare exchange'
      readonly name: string
      readonly type: string
      readonly alternate?: string | undefined
    }
  | {
      readonly kind: 'declare queue'
      readonly name: string
      readonly deadLetters?: { readonly exchange: string; readonly key?: string | undefined } | undefined
    }
  | { readonly kind: 'delete exchange' | 'delete queue'; readonly name: string }
  | { readonly kind: 'bind' | 'unbind'; readonly binding: Binding }
  | PublishAttempt

export interface PublishAttempt {
  readonly kind: 'publish'
  readonly exchange: string
  readonly message: Omit<Message, 'id'>
}

export interface Step {
  readonly by: Maker
  readonly attempt: Attempt
}

const exchange = fc.constantFrom(...EXCHANGES)
const source = fc.constantFrom(...SOURCES)
const queue = fc.constantFrom(...QUEUES)
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.oneof(fc.constant(undefined), value)

const declareExchange = fc.record({
  kind: fc.constant('declare exchange' as const),
  name: exchange,
  type: fc.constantFrom(...TYPES),
  alternate: maybe(exchange),
})
const declareQueue = fc.record({
  kind: fc.constant('declare queue' as const),
  name: queue,
  deadLetters: maybe(fc.record({ exchange: fc.constantFrom('', ...EXCHANGES), key: maybe(fc.constantFrom(...KEYS)) })),
})
const toQueue = fc.record({ toKind: fc.constant('queue' as const), destination: queue })
const toExchange = fc.record({ toKind: fc.constant('exchange' as const), destination: exchange })
const binding: fc.Arbitrary<Binding> = fc
  .record({
    to: fc.oneof(toQueue, { weight: 2, arbitrary: toExchange }),
    source,
    key: fc.constantFrom(...BINDING_KEYS),
    wantsHeader: fc.boolean(),
  })
  .map(({ to, ...rest }) => ({ ...to, ...rest, wantsHeader: rest.wantsHeader && rest.key === 'b' }))
const bind = fc.record({ kind: fc.constant('bind' as const), binding })
const unbind = fc.record({ kind: fc.constant('unbind' as const), binding })
const publish = fc.record({
  kind: fc.constant('publish' as const),
  exchange: fc.constantFrom('', ...SOURCES),
  message: fc.record({
    keys: fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 3 }),
    hasHeader: fc.boolean(),
  }),
})
const remove = fc.oneof(
  fc.record({ kind: fc.constant('delete exchange' as const), name: exchange }),
  fc.record({ kind: fc.constant('delete queue' as const), name: queue }),
)

const attempt: fc.Arbitrary<Attempt> = fc.oneof(
  { weight: 3, arbitrary: declareExchange },
  { weight: 2, arbitrary: declareQueue },
  { weight: 7, arbitrary: bind },
  { weight: 1, arbitrary: unbind },
  { weight: 1, arbitrary: remove },
  { weight: 8, arbitrary: publish },
)
const by = fc.constantFrom<Maker>('joe', 'joe', 'other')

/** Most of what there may be is there from the beginning, so that what is tried has something to act on. */
const first: fc.Arbitrary<readonly Step[]> = fc.tuple(
  ...EXCHANGES.map((name) => fc.record({ by, attempt: declareExchange.map((made) => ({ ...made, name })) })),
  ...QUEUES.map((name) => fc.record({ by, attempt: declareQueue.map((made) => ({ ...made, name })) })),
)

/** What is done, by whom: in the beginning declarations, then anything. */
export const topology: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    first.chain((all) => fc.shuffledSubarray([...all], { minLength: 5 })),
    fc.array(fc.record({ by, attempt }), { minLength: 1, maxLength: 24, size: 'max' }),
  )
  .map(([declarations, steps]) => [...declarations, ...steps])

/** What others may publish in the end, so that no way stays untried: everywhere every key, alone and in company. */
export const PROBES: readonly { readonly by: 'other'; readonly attempt: PublishAttempt }[] = [
  ...EXCHANGES,
  'amq.topic',
  'amq.direct',
].flatMap((to) =>
  KEYS.flatMap((key, at) =>
    [[key], [key, KEYS[(at + 1) % KEYS.length] ?? '']].map((keys) => ({
      by: 'other' as const,
      attempt: { kind: 'publish' as const, exchange: to, message: { keys, hasHeader: true } },
    })),
  ),
)

const rule = fc.constantFrom(...RULES)
const rights = fc.record({ configure: fc.constantFrom(true, true, false), write: rule, read: rule })

/** An entry of `permissions`. */
export interface Grants {
  configure: GrantInput[]
  write: GrantInput[]
  read: GrantInput[]
  arguments: { 'x-max-length': { max: number } }
}

/** What joe may do: for each name whether to configure it, and with which keys to use it. */
export const permissions: fc.Arbitrary<Grants> = fc.array(rights, { minLength: 9, maxLength: 9 }).map((all) => {
  const named = [...EXCHANGES, 'amq.topic', 'amq.direct', ...QUEUES].map((name, at) => ({ name, ...all[at] }))
  const grants = (list: 'write' | 'read') =>
    named.flatMap(({ name, [list]: key }) => {
      if (key === undefined) return []
      return [isQueue(name) ? { queue: name } : { exchange: name, routingKey: key }]
    })
  const configure = named.filter((one) => one.configure === true)
  return {
    configure: configure.map(({ name }) => (isQueue(name) ? { queue: name } : { exchange: name })),
    write: grants('write'),
    read: grants('read'),
    arguments: { 'x-max-length': { max: 0 } },
  }
})

function isQueue(name: string): boolean {
  return name.startsWith('q.')
}

/** An attempt as a method; publishes have more to them. */
export function methodOf(attempt: Exclude<Attempt, PublishAttempt>): {
  readonly name: FromClient
  readonly fields: Arguments<FromClient>
} {
  switch (attempt.kind) {
    case 'declare exchange': {
      const alternate =
        attempt.alternate === undefined ? [] : [{ key: 'alternate-exchange', ...text(attempt.alternate) }]
      return {
        name: 'exchange.declare',
        fields: exchangeDeclare(attempt.name, { type: attempt.type, arguments: alternate }),
      }
    }
    case 'declare queue':
      return { name: 'queue.declare', fields: queueDeclare(attempt.name, { arguments: deadLetters(attempt) }) }
    case 'delete exchange':
      return { name: 'exchange.delete', fields: { exchange: attempt.name, ifUnused: false, noWait: false } }
    case 'delete queue':
      return { name: 'queue.delete', fields: { queue: attempt.name, ifUnused: false, ifEmpty: false, noWait: false } }
    default:
      return bindingMethod(attempt.kind, attempt.binding)
  }
}

/** A queue that passes everything on at once: it has no room. */
function deadLetters({ deadLetters: letters }: Extract<Attempt, { kind: 'declare queue' }>): Table {
  if (letters === undefined) return []
  const key = letters.key === undefined ? [] : [{ key: 'x-dead-letter-routing-key', ...text(letters.key) }]
  return [
    { key: 'x-max-length', type: 'I', value: 0 },
    { key: 'x-dead-letter-exchange', ...text(letters.exchange) },
    ...key,
  ]
}

function bindingMethod(
  kind: 'bind' | 'unbind',
  { source: from, destination, toKind, key, wantsHeader }: Binding,
): { readonly name: FromClient; readonly fields: Arguments<FromClient> } {
  const table = wantsHeader ? HEADER : []
  if (toKind === 'exchange') return { name: `exchange.${kind}`, fields: exchangeBind(destination, from, key, table) }
  const { noWait, ...fields } = queueBind(destination, from, key, table)
  return kind === 'bind' ? { name: 'queue.bind', fields: { ...fields, noWait } } : { name: 'queue.unbind', fields }
}

/** The properties of a message: its first key is the method's, the second goes into CC, the others into BCC. */
export function propertiesOf({ keys, hasHeader }: Omit<Message, 'id'>): Properties {
  const copies = keys.length === 1 ? [] : [{ key: 'CC', ...texts(...keys.slice(1, 2)) }]
  const blind = keys.length < 3 ? [] : [{ key: 'BCC', ...texts(...keys.slice(2)) }]
  return { headers: [...(hasHeader ? HEADER : []), ...copies, ...blind] }
}

/** Does in the model what the broker would do. */
export function apply(model: TopologyModel, { by: maker, attempt }: Step, id: number): Answer {
  switch (attempt.kind) {
    case 'declare exchange':
      return model.declareExchange(attempt.name, attempt, maker)
    case 'declare queue':
      return model.declareQueue(attempt.name, attempt, maker)
    case 'delete exchange':
      return model.deleteExchange(attempt.name)
    case 'delete queue':
      return model.deleteQueue(attempt.name)
    case 'bind':
      return model.bind(attempt.binding, maker)
    case 'unbind':
      return model.unbind(attempt.binding)
    case 'publish':
      return model.publish(attempt.exchange, { ...attempt.message, id })
  }
}
