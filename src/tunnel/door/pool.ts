/**
 * Clients that wait, and connections that could serve them. A client gets the first connection of its site that echoes; as
 * many are asked as clients wait. All lists are ordered by age, and nothing here takes longer where they are long.
 */
import type { KnownGateway } from './gateways.ts'
import type { Parked, ParkedEvents } from './parked.ts'
import type { Site, Waiter } from './site.ts'

export interface PoolEvents {
  gone(gateway: KnownGateway, why: string): void
}

export class Pool implements ParkedEvents {
  readonly #events: PoolEvents
  #sites: readonly Site[]
  readonly #all = new Set<Parked>()

  constructor(sites: readonly Site[], events: PoolEvents) {
    this.#sites = sites
    this.#events = events
  }

  get count(): number {
    return this.#all.size
  }

  get sites(): readonly Site[] {
    return this.#sites
  }

  /** Other sites from now on. All connections have to come again; clients that wait for a site that is gone wait in vain. */
  follow(sites: readonly Site[]): void {
    this.#sites = sites
    this.drop('the configuration changed')
  }

  /** Ends all connections that wait. */
  drop(why: string): void {
    for (const parked of this.#all) parked.drop(why)
  }

  /** It has connected, and has to prove that it lives. */
  join(parked: Parked): void {
    this.#all.add(parked)
    parked.ask()
  }

  /** @returns stops waiting */
  wait(site: Site, waiter: Waiter): () => void {
    site.waiting.add(waiter)
    this.#serve(site)
    return () => site.waiting.delete(waiter)
  }

  answered(parked: Parked): void {
    parked.gateway.isDoubted = false
    const sites = this.#sitesOf(parked)
    const wanted = sites.find(({ waiting }) => waiting.size > 0)
    const [waiter] = wanted?.waiting ?? []
    if (wanted === undefined || waiter === undefined) {
      for (const site of sites) site.add(parked)
      return
    }
    wanted.waiting.delete(waiter)
    this.#remove(parked)
    waiter.given(parked.take(), parked.gateway)
    // Those of its other sites counted on it.
    for (const site of sites) this.#serve(site)
  }

  late(parked: Parked): void {
    const sites = this.#sitesOf(parked)
    for (const site of sites) site.remove(parked)
    const { gateway } = parked
    if (!gateway.isDoubted) {
      gateway.isDoubted = true
      // Where one is silent, the others of the same process mostly are, too: no client shall find out one by one.
      for (const site of sites) for (const other of site.of(gateway)) this.#doubt(other)
      for (const site of sites) this.#askAround(site)
    }
    for (const site of sites) this.#serve(site)
  }

  gone(parked: Parked, why: string): void {
    const sites = this.#sitesOf(parked)
    this.#remove(parked)
    this.#events.gone(parked.gateway, why)
    for (const site of sites) this.#serve(site)
  }

  /** Asks as many as clients wait, the one that has waited longest first. */
  #serve(site: Site): void {
    while (site.askedCount < site.waiting.size) {
      const [parked] = site.idle
      if (parked === undefined) return
      this.#ask(parked)
    }
  }

  /** It serves nobody until it has answered, and no client counts on that. */
  #doubt(parked: Parked): void {
    for (const site of this.#sitesOf(parked)) site.remove(parked)
    parked.ask()
  }

  /** Asks one connection of each gateway: where several are dead, a client waits for them together. */
  #askAround({ waiting, idle }: Site): void {
    if (waiting.size === 0) return
    const gateways = new Set<KnownGateway>()
    for (const parked of idle) {
      if (gateways.has(parked.gateway)) continue
      gateways.add(parked.gateway)
      this.#ask(parked)
    }
  }

  #ask(parked: Parked): void {
    for (const site of this.#sitesOf(parked)) site.ask(parked)
    parked.ask()
  }

  #remove(parked: Parked): void {
    this.#all.delete(parked)
    for (const site of this.#sites) site.remove(parked)
  }

  #sitesOf({ gateway }: Parked): readonly Site[] {
    return this.#sites.filter((site) => site.isServedBy(gateway))
  }
}
