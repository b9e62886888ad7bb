/**
 * By which names the admin listener may be called. A page of anybody can have its own name lead to an address in the
 * operator's network, and its script then reads what answers under that name (DNS rebinding). A browser says in `Host`
 * which name it used; addresses and `localhost` are no names that a stranger can point anywhere. [RFC 9110 §7.2, §7.4]
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

export class OwnHosts {
  readonly #names: ReadonlySet<string>

  /** @param names beside `localhost`, without ports */
  constructor(names: readonly string[]) {
    this.#names = new Set(['localhost', ...names].map(plain))
  }

  /**
   * The name in a request that is not one of these; `undefined` where all is well. Requests of HTTP/1.0 without Host, such
   * as a load balancer's probe, come from no browser.
   */
  foreignIn(request: IncomingMessage): string | undefined {
    return (request.headersDistinct['host'] ?? []).find((host) => !this.#has(host))
  }

  #has(host: string): boolean {
    const [, bracketed, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? []
    if (bracketed !== undefined) return isIP(bracketed) === 6
    return isIP(name) === 4 || this.#names.has(plain(name))
  }
}

/** Without the root's dot; names have no case. [RFC 4343 §3] */
function plain(name: string): string {
  return name.replace(/\.$/, '').toLowerCase()
}
