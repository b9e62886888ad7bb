/**
 * A broker of exchanges, bindings and queues without a wire, which writes down every step a message takes: where a message
 * may end is what permissions are about, and no single method tells.
 *
 * It routes as RabbitMQ does: a message keeps its routing key and its CC and BCC keys from exchange to exchange, each
 * exchange is visited once, an alternate exchange takes what its exchange had no binding for, and dead letters keep their
 * keys unless their queue gives them one. `permissions-topology` compares it with a broker.
 */
import { type TopicPattern, topicPattern } from '../../auth/policy/topic.ts'

export type Maker = 'joe' | 'other'

export interface Message {
  readonly id: number
  /** The routing key, then those of CC and BCC. */
  readonly keys: readonly string[]
  /** Whether it has the header that bindings of headers exchanges ask for. */
  readonly hasHeader: boolean
}

/** One step of a message over something that was declared: a binding, an alternate exchange, a dead letter. */
export interface Passage {
  readonly by: Maker
  readonly over: 'binding' | 'alternate exchange' | 'dead letters'
  readonly from: string
  /** For exchanges. */
  readonly fromType: string | undefined
  readonly to: string
  readonly toKind: 'queue' | 'exchange'
  readonly keys: readonly string[]
}

export interface ExchangeDeclaration {
  readonly type: string
  readonly alternate?: string | undefined
}

/** A queue whose dead letters go somewhere keeps nothing: everything that arrives is one. */
export interface QueueDeclaration {
  readonly deadLetters?: { readonly exchange: string; readonly key?: string | undefined } | undefined
}

export interface Binding {
  readonly source: string
  readonly destination: string
  readonly toKind: 'queue' | 'exchange'
  readonly key: string
  /** Whether its arguments ask for the header. */
  readonly wantsHeader: boolean
}

/** The reply code of the exception, or 0 for none. */
export type Answer = 0 | 404 | 406

const PREDECLARED: readonly (readonly [string, string])[] = [
  ['amq.topic', 'topic'],
  ['amq.direct', 'direct'],
]

export class TopologyModel {
  readonly passages: Passage[] = []
  /** What lies in each queue: the message and the keys it arrived with. */
  readonly stored: Map<string, { readonly id: number; readonly key: string }[]> = new Map()
  readonly #exchanges = new Map<string, ExchangeDeclaration & { readonly by: Maker }>()
  readonly #queues = new Map<string, QueueDeclaration & { readonly by: Maker }>()
  #bindings: (Binding & { readonly by: Maker })[] = []

  constructor() {
    for (const [name, type] of PREDECLARED) this.#exchanges.set(name, { type, by: 'other' })
  }

  declareExchange(name: string, { type, alternate }: ExchangeDeclaration, by: Maker): Answer {
    const known = this.#exchanges.get(name)
    if (known !== undefined) return known.type === type && known.alternate === alternate ? 0 : 406
    this.#exchanges.set(name, { type, alternate, by })
    return 0
  }

  /** Its bindings go with it, on both sides. */
  deleteExchange(name: string): Answer {
    this.#exchanges.delete(name)
    this.#bindings = this.#bindings.filter(
      ({ source, destination, toKind }) => source !== name && (toKind !== 'exchange' || destination !== name),
    )
    return 0
  }

  declareQueue(name: string, { deadLetters }: QueueDeclaration, by: Maker): Answer {
    const known = this.#queues.get(name)
    if (known !== undefined) {
      const isSame =
        known.deadLetters?.exchange === deadLetters?.exchange && known.deadLetters?.key === deadLetters?.key
      return isSame ? 0 : 406
    }
    this.#queues.set(name, { deadLetters, by })
    this.stored.set(name, [])
    return 0
  }

  deleteQueue(name: string): Answer {
    this.#queues.delete(name)
    this.stored.delete(name)
    this.#bindings = this.#bindings.filter(({ destination, toKind }) => toKind !== 'queue' || destination !== name)
    return 0
  }

  bind(binding: Binding, by: Maker): Answer {
    if (!this.#hasEnds(binding)) return 404
    if (!this.#bindings.some((known) => isSame(known, binding))) this.#bindings.push({ ...binding, by })
    return 0
  }

  /** Taking away what is not there is no mistake. */
  unbind(binding: Binding): Answer {
    this.#bindings = this.#bindings.filter((known) => !isSame(known, binding))
    return 0
  }

  publish(exchange: string, message: Message): Answer {
    if (exchange !== '' && !this.#exchanges.has(exchange)) return 404
    this.#route(exchange, message, new Set())
    return 0
  }

  #hasEnds({ source, destination, toKind }: Binding): boolean {
    return this.#exchanges.has(source) && (toKind === 'queue' ? this.#queues : this.#exchanges).has(destination)
  }

  /** @param died the queues whose dead letter the message is: the broker lets none of them have it again */
  #route(exchange: string, message: Message, died: ReadonlySet<string>): void {
    const queues = new Set<string>()
    if (exchange === '') for (const key of message.keys) queues.add(key)
    else this.#collect(exchange, message, queues)
    for (const queue of queues) if (this.#queues.has(queue) && !died.has(queue)) this.#arrive(queue, message, died)
  }

  #collect(first: string, message: Message, queues: Set<string>): void {
    const visited = new Set([first])
    for (const name of visited) {
      const exchange = this.#exchanges.get(name)
      if (exchange === undefined) continue
      const taken = this.#bindings.filter(
        (binding) => binding.source === name && admits(exchange.type, binding, message),
      )
      for (const { destination, toKind, by } of taken) {
        this.#pass({ by, over: 'binding', from: name, fromType: exchange.type, to: destination, toKind }, message.keys)
        if (toKind === 'queue') queues.add(destination)
        else visited.add(destination)
      }
      const { alternate, by, type } = exchange
      if (taken.length > 0 || alternate === undefined) continue
      this.#pass(
        { by, over: 'alternate exchange', from: name, fromType: type, to: alternate, toKind: 'exchange' },
        message.keys,
      )
      visited.add(alternate)
    }
  }

  #arrive(queue: string, message: Message, died: ReadonlySet<string>): void {
    const { deadLetters, by } = this.#queues.get(queue) ?? { by: 'other' }
    if (deadLetters === undefined) {
      this.stored.get(queue)?.push({ id: message.id, key: message.keys[0] ?? '' })
      return
    }
    const { exchange, key } = deadLetters
    const letter = key === undefined ? message : { ...message, keys: [key] }
    this.#pass(
      { by, over: 'dead letters', from: queue, fromType: undefined, to: exchange, toKind: 'exchange' },
      letter.keys,
    )
    this.#route(exchange, letter, new Set([...died, queue]))
  }

  #pass(passage: Omit<Passage, 'keys'>, keys: readonly string[]): void {
    this.passages.push({ ...passage, keys })
  }
}

function isSame(one: Binding, other: Binding): boolean {
  return (
    one.source === other.source &&
    one.destination === other.destination &&
    one.toKind === other.toKind &&
    one.key === other.key &&
    one.wantsHeader === other.wantsHeader
  )
}

/** Types that nobody knows let everything through: so it is judged by the worst that they may do. */
function admits(type: string, { key, wantsHeader }: Binding, { keys, hasHeader }: Message): boolean {
  switch (type) {
    case 'direct':
      return keys.includes(key)
    case 'topic':
      return keys.some((candidate) => patternOf(key).matches(candidate))
    case 'headers':
      return hasHeader || !wantsHeader
    default:
      return true
  }
}

const PATTERNS = new Map<string, TopicPattern>()

function patternOf(key: string): TopicPattern {
  const pattern = PATTERNS.get(key) ?? topicPattern(key)
  PATTERNS.set(key, pattern)
  return pattern
}
