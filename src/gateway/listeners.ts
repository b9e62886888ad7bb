/**
 * The listeners of a gateway. Those of one configuration become those of the next without shutting a port that stays: new
 * ones are opened first, and only then are the others changed or closed.
 */
import { descriptorOf } from '../../auth/index.ts'
import type { Config } from '../config/schema/schema.ts'
import type { Listener, ListenerOptions } from '../http/listener.ts'
import type { InheritedSockets } from './inherited-sockets.ts'

/** Some credentials need larger heads. */
export function listenerOptions({ listen, authenticators }: Config): readonly ListenerOptions[] {
  const needs = Object.values(authenticators).flatMap((one) => descriptorOf(one).headBytes ?? [])
  const maxHeaderBytes = needs.length === 0 ? undefined : Math.max(...needs)
  return listen.map((one) => ({ ...one, maxHeaderBytes }))
}

/** The next set, ready. Either function is called, once. */
export interface ListenersPlan {
  /** Puts it in the place of the present one; cannot fail. */
  apply(): void
  /** Closes what was opened for it. */
  abandon(): void
}

interface Open {
  readonly options: ListenerOptions
  readonly listener: Listener
}

export class Listeners {
  readonly #make: (options: ListenerOptions) => Listener
  readonly #inherited: InheritedSockets
  #open: readonly Open[] = []
  /** Take no more connections, but have some. */
  readonly #leaving = new Set<Listener>()

  constructor(make: (options: ListenerOptions) => Listener, inherited: InheritedSockets) {
    this.#make = make
    this.#inherited = inherited
  }

  /** In the order of the configuration. */
  get all(): readonly Listener[] {
    return this.#open.map(({ listener }) => listener)
  }

  get socketCount(): number {
    return [...this.all, ...this.#leaving].reduce((sum, { socketCount }) => sum + socketCount, 0)
  }

  /** @throws {Error} where an address cannot be had or a certificate cannot be used: then nothing has changed */
  async plan(next: readonly ListenerOptions[]): Promise<ListenersPlan> {
    const left = [...this.#open]
    const planned: Open[] = []
    const opened: Listener[] = []
    const changes: (() => void)[] = []
    const abandon = () => {
      for (const listener of opened) this.#leave(listener)
    }
    try {
      for (const options of next) {
        const at = left.findIndex((one) => one.options.host === options.host && one.options.port === options.port)
        const [kept] = at === -1 ? [] : left.splice(at, 1)
        if (kept === undefined) {
          const listener = this.#make(options)
          opened.push(listener)
          await listener.start(await this.#inherited.take(options))
          planned.push({ options, listener })
        } else {
          changes.push(kept.listener.change(options))
          planned.push({ options, listener: kept.listener })
        }
      }
    } catch (error) {
      abandon()
      throw error
    }
    return {
      apply: () => {
        for (const change of changes) change()
        this.#open = planned
        for (const { listener } of left) this.#leave(listener)
      },
      abandon,
    }
  }

  /** Takes no more connections and ends those that carry no session; resolves when all ports are free. */
  async stop(): Promise<void> {
    await Promise.all([...this.all, ...this.#leaving].map((listener) => listener.stop()))
  }

  /** Destroys every connection that is left. */
  cut(): void {
    for (const listener of [...this.all, ...this.#leaving]) listener.cut()
  }

  /** Sessions that came through it go on. */
  #leave(listener: Listener): void {
    this.#leaving.add(listener)
    void listener.stop().then(() => this.#leaving.delete(listener))
  }
}
