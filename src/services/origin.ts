/**
 * Which pages may open a session. Browsers name the page's origin in every upgrade and every cross-origin request, and
 * attach cookies and cached passwords by themselves: comparing it is all that keeps a foreign page out.
 *
 * The comparison is of whole serialised origins, byte for byte: no suffix, no pattern, no normalising of what a client
 * sent. `null` (sandboxed frames, files) is never allowed. [RFC 6454 §6, RFC 6455 §10.2]
 */

export class OriginRule {
  readonly #allowed: ReadonlySet<string>
  readonly #any: boolean

  /** @param origins the service's list; absent or empty: no browser gets in. `*`: any page of http or https. */
  constructor(origins: readonly string[] | undefined) {
    const listed = origins ?? []
    this.#any = listed.includes('*')
    this.#allowed = new Set(listed.map(serialisedOrigin).filter((origin) => origin !== undefined))
  }

  /** Whether a request with this Origin header may go on. What its absence means depends on the credential. */
  allows(origin: string): boolean {
    if (this.#allowed.has(origin)) return true
    return this.#any && isWebOrigin(origin)
  }
}

function isWebOrigin(origin: string): boolean {
  return origin.length <= 300 && /^https?:\/\//.test(origin) && serialisedOrigin(origin) === origin
}

/** Lower case, default port left out, as browsers send it; `undefined` when it is no URL or more than an origin. */
function serialisedOrigin(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const bare = url.pathname === '/' || url.pathname === ''
  if (!bare || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') return undefined
  return url.origin === 'null' ? undefined : url.origin
}
