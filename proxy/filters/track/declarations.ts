/**
 * What one session has declared of one kind, queues or exchanges: declarations that await the broker's answer, and names
 * until the broker says that they are gone, or until they must be.
 */
import { Watchers } from './watchers.ts'

/** Most names remembered for a session; the oldest are forgotten. */
const NAMES_MAX = 65_536

/** One `declare` that may bring something into being. */
export interface Declaration {
  readonly channel: number
  /** '' where the broker is to name it. */
  readonly name: string
  /** It ends with the session. */
  readonly isExclusive: boolean
  /** It ends with the last of those who use it. */
  readonly isAutoDelete: boolean
}

/** What is to be told of: every declaration when it is forwarded, its outcome, and every name that is gone. */
export interface DeclarationWatcher {
  asked?(declaration: Declaration): void
  /** The broker has declared it, under this name. */
  declared?(declaration: Declaration, name: string): void
  /** The broker has not declared it. */
  refused?(declaration: Declaration): void
  /** The channel or the connection ended before the broker had answered: it may have been declared. */
  unanswered?(declaration: Declaration): void
  gone?(name: string): void
}

export class Declarations {
  readonly watchers: Watchers<DeclarationWatcher> = new Watchers()
  // Made when first needed.
  #awaited: Set<Declaration> | undefined
  #names: Map<string, Declaration> | undefined

  /** A declaration is forwarded. */
  ask(declaration: Declaration): void {
    this.#awaited ??= new Set()
    this.#awaited.add(declaration)
    this.watchers.tell((watcher) => watcher.asked?.(declaration))
  }

  declared(declaration: Declaration, name: string): void {
    this.#awaited?.delete(declaration)
    this.#names ??= new Map()
    this.#names.set(name, declaration)
    if (this.#names.size > NAMES_MAX) this.#forgetOldest()
    this.watchers.tell((watcher) => watcher.declared?.(declaration, name))
  }

  refused(declaration: Declaration): void {
    this.#awaited?.delete(declaration)
    this.watchers.tell((watcher) => watcher.refused?.(declaration))
  }

  unanswered(declaration: Declaration): void {
    this.#awaited?.delete(declaration)
    this.watchers.tell((watcher) => watcher.unanswered?.(declaration))
  }

  /** The broker has deleted it. */
  gone(name: string): void {
    this.#names?.delete(name)
    this.watchers.tell((watcher) => watcher.gone?.(name))
  }

  /** The connection to the broker is gone, and with it what is exclusive. */
  ended(): void {
    for (const declaration of this.#awaited ?? []) this.unanswered(declaration)
    for (const [name, { isExclusive }] of this.#names ?? []) if (isExclusive) this.gone(name)
  }

  awaited(): Iterable<Declaration> {
    return this.#awaited ?? []
  }

  names(): Iterable<readonly [name: string, declaration: Declaration]> {
    return this.#names ?? []
  }

  #forgetOldest(): void {
    for (const name of this.#names?.keys() ?? []) {
      this.#names?.delete(name)
      return
    }
  }
}
