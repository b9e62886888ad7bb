/**
 * The path that stands before every path of this gateway where browsers see it. A proxy in front either passes it on or
 * takes it away; services and routes are known without it. Like every path it is compared byte for byte.
 */

export interface BasePathOptions {
  /** `/gate`; absent: none. */
  readonly basePath?: string | undefined
  /** Whether the proxy in front takes it away. */
  readonly basePathStripped?: boolean | undefined
}

export class BasePath {
  /** As browsers write it: `/gate`, or nothing. */
  readonly path: string
  /** What requests begin with that arrive here. */
  readonly #arriving: string

  constructor({ basePath = '', basePathStripped = false }: BasePathOptions) {
    this.path = basePath
    this.#arriving = basePathStripped ? '' : basePath
  }

  /** The path of a request without what stands before all of them; undefined where it does not begin with that. */
  within(path: string): string | undefined {
    if (this.#arriving === '') return path
    return path.startsWith(`${this.#arriving}/`) ? path.slice(this.#arriving.length) : undefined
  }

  /** Where a path is for browsers. */
  forBrowsers(path: string): string {
    return `${this.path}${path}`
  }

  /** Where a path is for whoever connects to the listener itself. */
  atListener(path: string): string {
    return `${this.#arriving}${path}`
  }

  /** What a request for nothing that is here should have looked like; empty where no path stands before the others. */
  advice(path: string): string {
    if (this.#arriving !== '' && this.within(path) === undefined) return `: every path begins with ${this.path} here`
    const isUnstripped = this.#arriving === '' && this.path !== '' && path.startsWith(`${this.path}/`)
    return isUnstripped ? `: expected the proxy in front to take ${this.path} away` : ''
  }
}
