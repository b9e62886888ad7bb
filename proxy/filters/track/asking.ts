/** The methods by which a session's books change, what each of them asks for, and by which method the broker answers. */
import type { MethodView } from '../../codec/method.ts'
import type { FromBroker, FromClient } from '../../codec/spec.ts'
import type { Consumer, Consumers } from './consumers.ts'
import type { Declaration, Declarations } from './declarations.ts'
import type { Prefetches } from './prefetches.ts'
import type { DeclaredRef, QueueNames, QueueRef } from './queue-names.ts'
import type { Request } from './requests.ts'

/** What requests are entered into. */
export interface Books {
  readonly queues: QueueNames
  readonly consumers: Consumers
  readonly declaredQueues: Declarations
  readonly declaredExchanges: Declarations
  readonly prefetches: Prefetches
}

export interface Asking {
  readonly answer: FromBroker
  /** Whether the method can say that no answer is wanted. */
  readonly mayNotWait: boolean
  /** Enters a request that is forwarded into the books. */
  ask(method: MethodView, books: Books, isClients: boolean): Request
}

export const ASKING: { readonly [M in FromClient]?: Asking } = {
  'queue.declare': {
    answer: 'queue.declare-ok',
    mayNotWait: true,
    ask: (method, books, isClients) => new QueueDeclare(method, books, isClients),
  },
  'queue.delete': {
    answer: 'queue.delete-ok',
    mayNotWait: true,
    ask: (method, { queues, declaredQueues }, isClients) =>
      new Deletion(declaredQueues, queues.meant(method.channel, method.field('queue')), isClients),
  },
  'exchange.declare': {
    answer: 'exchange.declare-ok',
    mayNotWait: true,
    ask: (method, books, isClients) => new ExchangeDeclare(method, books, isClients),
  },
  'exchange.delete': {
    answer: 'exchange.delete-ok',
    mayNotWait: true,
    ask: (method, { declaredExchanges }, isClients) =>
      new Deletion(declaredExchanges, { name: method.field('exchange') }, isClients),
  },
  'basic.consume': {
    answer: 'basic.consume-ok',
    mayNotWait: true,
    ask: (method, books, isClients) => new Consume(method, books, isClients),
  },
  'basic.cancel': {
    answer: 'basic.cancel-ok',
    mayNotWait: true,
    ask: (method, books, isClients) => new Cancel(method, books, isClients),
  },
  'basic.qos': {
    answer: 'basic.qos-ok',
    mayNotWait: false,
    ask: (method, { prefetches }, isClients) => {
      prefetches.set(method.channel, method.field('prefetchCount'), method.field('global'))
      return new Asked(isClients)
    },
  },
}

/** A request that the broker takes as it comes, or closes the channel. */
class Asked implements Request {
  readonly isClients: boolean

  constructor(isClients: boolean) {
    this.isClients = isClients
  }

  fits(_answer: MethodView): boolean {
    return true
  }

  done(_answer: MethodView): void {}

  refused(): void {}

  closed(): void {}
}

/** What a declaration brings into being; undefined where that is nothing: who asks passively, or for a reserved name. */
function declarationOf(method: MethodView, name: string, isExclusive: boolean): Declaration | undefined {
  if (method.field('passive') || name.startsWith('amq.')) return undefined
  return { channel: method.channel, name, isExclusive, isAutoDelete: method.field('autoDelete') }
}

class QueueDeclare extends Asked {
  readonly #books: Books
  readonly #ref: DeclaredRef
  readonly #declaration: Declaration | undefined

  constructor(method: MethodView, books: Books, isClients: boolean) {
    super(isClients)
    const name = method.field('queue')
    this.#books = books
    this.#ref = books.queues.declare(method.channel, name)
    this.#declaration = declarationOf(method, name, method.field('exclusive'))
    if (this.#declaration !== undefined) books.declaredQueues.ask(this.#declaration)
  }

  override done(answer: MethodView): void {
    const name = answer.field('queue')
    this.#books.queues.declared(this.#ref, name)
    if (this.#declaration !== undefined) this.#books.declaredQueues.declared(this.#declaration, name)
  }

  override refused(): void {
    if (this.#declaration !== undefined) this.#books.declaredQueues.refused(this.#declaration)
  }

  override closed(): void {
    if (this.#declaration !== undefined) this.#books.declaredQueues.unanswered(this.#declaration)
  }
}

class ExchangeDeclare extends Asked {
  readonly #exchanges: Declarations
  readonly #declaration: Declaration | undefined

  constructor(method: MethodView, { declaredExchanges }: Books, isClients: boolean) {
    super(isClients)
    this.#exchanges = declaredExchanges
    const name = method.field('exchange')
    // The default exchange is there, and cannot be declared.
    this.#declaration = name === '' ? undefined : declarationOf(method, name, false)
    if (this.#declaration !== undefined) declaredExchanges.ask(this.#declaration)
  }

  override done(): void {
    if (this.#declaration !== undefined) this.#exchanges.declared(this.#declaration, this.#declaration.name)
  }

  override refused(): void {
    if (this.#declaration !== undefined) this.#exchanges.refused(this.#declaration)
  }

  override closed(): void {
    this.done()
  }
}

/** A queue in use, or with messages, may stay: it is gone when the broker says so. */
class Deletion extends Asked {
  readonly #declarations: Declarations
  readonly #resource: QueueRef

  constructor(declarations: Declarations, resource: QueueRef, isClients: boolean) {
    super(isClients)
    this.#declarations = declarations
    this.#resource = resource
  }

  override done(): void {
    this.#declarations.gone(this.#resource.name)
  }
}

class Consume extends Asked {
  readonly #books: Books
  readonly #tag: string
  readonly #consumer: Consumer

  constructor(method: MethodView, books: Books, isClients: boolean) {
    super(isClients)
    const { channel } = method
    this.#books = books
    const tag = method.field('consumerTag')
    this.#tag = tag
    const queue = books.queues.meant(channel, method.field('queue'))
    this.#consumer = books.consumers.ask({ channel, tag, queue, needsAck: !method.field('noAck'), isSilent: false })
  }

  override fits(answer: MethodView): boolean {
    return this.#tag === '' || this.#tag === answer.field('consumerTag')
  }

  override done(answer: MethodView): void {
    this.#books.consumers.started(this.#consumer, answer.field('consumerTag'))
  }

  override refused(): void {
    this.#books.consumers.remove(this.#consumer)
  }
}

class Cancel extends Asked {
  readonly #books: Books
  readonly #tag: string
  /** The one that had the tag when this was forwarded: it may belong to another by the time of the answer. */
  readonly #consumer: Consumer | undefined

  constructor(method: MethodView, books: Books, isClients: boolean) {
    super(isClients)
    this.#books = books
    this.#tag = method.field('consumerTag')
    this.#consumer = books.consumers.cancel(method.channel, this.#tag)
  }

  override fits(answer: MethodView): boolean {
    return this.#tag === answer.field('consumerTag')
  }

  override done(): void {
    if (this.#consumer !== undefined) this.#books.consumers.cancelled(this.#consumer)
  }
}
