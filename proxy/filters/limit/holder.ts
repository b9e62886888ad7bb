/**
 * What one session adds to its identity's holdings of one kind, queues or exchanges: taken from the session's books at the
 * start, which may be in mid-session, and kept in step with them.
 */

import type { Declaration, Declarations, DeclarationWatcher } from '../track/declarations.ts'
import type { LimitContext } from './context.ts'
import type { HoldingKey, Holdings } from './holdings.ts'

export class Holder implements DeclarationWatcher {
  readonly context: LimitContext
  readonly #most: number
  readonly #holdings: Holdings
  readonly #declarations: Declarations
  /** Those that end with the session. */
  readonly #exclusive = new Set<string>()

  constructor(context: LimitContext, most: number, holdings: Holdings, declarations: Declarations) {
    this.context = context
    this.#most = most
    this.#holdings = holdings
    this.#declarations = declarations
    for (const declaration of declarations.awaited()) this.asked(declaration)
    // Where others have counted for this session until now, what it declared for all is there, or was deleted by somebody.
    const isCounted = holdings.enter(declarations)
    for (const [name, declaration] of declarations.names()) {
      if (declaration.isExclusive || !isCounted) this.#keep(declaration, name)
    }
    declarations.watchers.add(this)
  }

  /** Whether one of this name may be declared; '' is a new one in any case. */
  hasRoomFor(name: string): boolean {
    const { size, elsewhereCount } = this.#holdings
    return size + elsewhereCount < this.#most || (name !== '' && this.#holdings.has(this.keyOf(name)))
  }

  asked(declaration: Declaration): void {
    this.#holdings.await(this.#awaitedKey(declaration))
  }

  declared(declaration: Declaration, name: string): void {
    this.#keep(declaration, name)
    this.#holdings.settle(this.#awaitedKey(declaration))
  }

  refused(declaration: Declaration): void {
    this.#holdings.settle(this.#awaitedKey(declaration))
  }

  unanswered(declaration: Declaration): void {
    const key = this.#awaitedKey(declaration)
    if (!declaration.isExclusive) this.#holdings.keep(key, declaration.isAutoDelete)
    this.#holdings.settle(key)
  }

  gone(name: string): void {
    const key = this.keyOf(name)
    if (this.#exclusive.delete(key)) this.#holdings.leaveWithSession(key)
    this.#holdings.ledger.gone(key)
  }

  /** The session has ended, or others count what it has from now on. */
  leave(): void {
    this.#declarations.watchers.remove(this)
    this.#holdings.leave(this.#declarations)
    for (const declaration of this.#declarations.awaited()) this.#holdings.settle(this.#awaitedKey(declaration))
    for (const key of this.#exclusive) this.#holdings.leaveWithSession(key)
  }

  protected keyOf(name: string): string {
    return JSON.stringify([this.context.session.vhost, name])
  }

  #awaitedKey(declaration: Declaration): HoldingKey {
    return declaration.name === '' ? declaration : this.keyOf(declaration.name)
  }

  #keep({ isExclusive, isAutoDelete }: Declaration, name: string): void {
    const key = this.keyOf(name)
    if (!isExclusive) return this.#holdings.keep(key, isAutoDelete)
    if (this.#exclusive.has(key)) return
    this.#exclusive.add(key)
    this.#holdings.keepWithSession(key)
  }
}
