/**
 * The listeners of a gateway. Those of one configuration become those of the next without shutting a port that stays: new
 * ones are opened first, and only then are the others changed or closed.
 */
import type { Socket } from 'node:net'
import { descriptorOf } from '../../../auth/index.ts'
import type { Config } from '../../config/schema/schema.ts'
import { DoorListener, type DoorListenerOptions } from '../../http/door-listener.ts'
import type { Listener, ListenerOptions } from '../../http/listener.ts'
import type { InheritedSockets } from './inherited-sockets.ts'

/** A listener with an address, whoever serves what connects to it. */
export interface AddressListener extends Pick<Listener, 'host' | 'port' | 'url' | 'socketCount' | 'take' | 'cut'> {
  /** Opens its port. @throws {Error} where the address cannot be had */
  start(inherited: Socket | undefined): Promise<void>
  change(options: ListenerOptions): () => void
  /** Takes no more connections and ends those that carry no session; resolves when the port is free. */
  stop(): Promise<void>
}

/** With an address of its own, or behind doors. */
type AnyListenerOptions = ListenerOptions | DoorListenerOptions
type AnyListener = AddressListener | DoorListener

/** Some credentials need larger heads. */
export function listenerOptions({ listen, authenticators }: Config): readonly AnyListenerOptions[] {
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
  readonly options: AnyListenerOptions
  readonly listener: AnyListener
}

/** How listeners of either kind are made. */
export interface ListenerMakers {
  atAddress(options: ListenerOptions): AddressListener
  /** Absent: another process dials doors. */
  readonly behindDoors: ((options: DoorListenerOptions) => DoorListener) | undefined
}

export class Listeners {
  readonly #make: ListenerMakers
  readonly #inherited: InheritedSockets
  #open: readonly Open[] = []
  /** Take no more connections, but have some. */
  readonly #leaving = new Set<AnyListener>()

  constructor(make: ListenerMakers, inherited: InheritedSockets) {
    this.#make = make
    this.#inherited = inherited
  }

  /** Those with an address, in the order of the configuration. */
  get withAddress(): readonly AddressListener[] {
    return this.#all.filter((listener): listener is AddressListener => !(listener instanceof DoorListener))
  }

  /** Those without. */
  get behindDoors(): readonly DoorListener[] {
    return this.#all.filter((listener) => listener instanceof DoorListener)
  }

  get #all(): readonly AnyListener[] {
    return this.#open.map(({ listener }) => listener)
  }

  get socketCount(): number {
    return [...this.#all, ...this.#leaving].reduce((sum, { socketCount }) => sum + socketCount, 0)
  }

  /** @throws {Error} where an address cannot be had or a certificate cannot be used: then nothing has changed */
  async plan(next: readonly AnyListenerOptions[]): Promise<ListenersPlan> {
    const left = [...this.#open]
    const planned: Open[] = []
    const opened: AnyListener[] = []
    const changes: (() => void)[] = []
    const abandon = () => {
      for (const listener of opened) this.#leave(listener)
    }
    try {
      for (const options of next) {
        if ('door' in options && this.#make.behindDoors === undefined) continue
        const at = left.findIndex((one) => placeOf(one.options) === placeOf(options))
        const [kept] = at === -1 ? [] : left.splice(at, 1)
        if (kept === undefined) {
          planned.push({ options, listener: await this.#start(options, opened) })
        } else {
          changes.push(changeOf(kept.listener, options))
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
    await Promise.all([...this.#all, ...this.#leaving].map((listener) => listener.stop()))
  }

  /** Destroys every connection that is left. */
  cut(): void {
    for (const listener of [...this.#all, ...this.#leaving]) listener.cut()
  }

  /** @param opened it is added to, as soon as there is something to close again */
  async #start(options: AnyListenerOptions, opened: AnyListener[]): Promise<AnyListener> {
    if ('door' in options) {
      const listener = this.#make.behindDoors?.(options)
      if (listener === undefined) throw new TypeError('another process dials doors')
      opened.push(listener)
      await listener.start()
      return listener
    }
    const listener = this.#make.atAddress(options)
    opened.push(listener)
    await listener.start(await this.#inherited.take(options))
    return listener
  }

  /** Sessions that came through it go on. */
  #leave(listener: AnyListener): void {
    this.#leaving.add(listener)
    void listener.stop().then(() => this.#leaving.delete(listener))
  }
}

/** What tells a listener from others when the configuration changes. */
function placeOf(options: AnyListenerOptions): string {
  return 'door' in options ? `door ${options.door.name}` : `${options.port} ${options.host}`
}

function changeOf(listener: AnyListener, options: AnyListenerOptions): () => void {
  if (listener instanceof DoorListener && 'door' in options) return listener.change(options)
  if (!(listener instanceof DoorListener || 'door' in options)) return listener.change(options)
  throw new TypeError('a listener stays of its kind')
}
