/** The sites of a door, by the host names of clients. */
import type { DoorConfig } from '../../config/schema/door.ts'
import { Site } from './site.ts'

export class Sites {
  /** Each once. */
  readonly all: readonly Site[]
  readonly #exact = new Map<string, Site>()
  /** By what stands behind `*.`. */
  readonly #wildcards = new Map<string, Site>()
  readonly #any: Site | undefined

  constructor(written: DoorConfig['listen']['sites']) {
    if (written === undefined) {
      this.#any = new Site('*')
      this.all = [this.#any]
      return
    }
    this.#any = undefined
    this.all = written.map(({ serverName, to }) => {
      const site = new Site(serverName, to)
      if (serverName.startsWith('*.')) this.#wildcards.set(serverName.slice(2), site)
      else this.#exact.set(serverName, site)
      return site
    })
  }

  /** The site that a client means; a name in full comes before one with `*`. */
  of(serverName: string | undefined): Site | undefined {
    if (this.#any !== undefined) return this.#any
    if (serverName === undefined) return undefined
    const name = serverName.replace(/\.$/, '')
    const dot = name.indexOf('.')
    return this.#exact.get(name) ?? (dot > 0 ? this.#wildcards.get(name.slice(dot + 1)) : undefined)
  }
}
