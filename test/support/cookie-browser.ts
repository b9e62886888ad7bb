/** A browser reduced to what a login needs: cookies by host, redirects, and forms that are posted. */

export interface Visit {
  readonly url: string
  readonly status: number
  readonly body: string
  /** Every address on the way. */
  readonly way: readonly string[]
}

const MAX_REDIRECTS = 20

/** How requests are sent; `fetch` by itself. */
export type SendRequest = (url: string, init: RequestInit) => Promise<Response>

export class CookieBrowser {
  readonly #send: SendRequest
  /** `host:port` → name → value. Real browsers share them among ports; here nobody is confused by that. */
  readonly #jars = new Map<string, Map<string, string>>()

  constructor(send: SendRequest = fetch) {
    this.#send = send
  }

  /** The cookies for an address, as they are sent. */
  cookies(url: string): string {
    return [...this.#jar(url)].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** One request, without following. */
  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    const cookies = this.cookies(url)
    if (cookies !== '') headers.set('cookie', cookies)
    const response = await this.#send(url, { ...init, headers, redirect: 'manual' })
    for (const cookie of response.headers.getSetCookie()) this.#take(url, cookie)
    return response
  }

  /** Follows redirects until there are no more, as a navigation does; a form is posted where it came from. */
  async visit(start: string, form?: Readonly<Record<string, string>>): Promise<Visit> {
    const way: string[] = []
    let url = start
    let init: RequestInit = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }
    while (way.length <= MAX_REDIRECTS) {
      way.push(url)
      const response = await this.fetch(url, init)
      const location = response.headers.get('location')
      const body = await response.text()
      if (location === null) return { url, status: response.status, body, way }
      url = new URL(location, url).href
      init = {}
    }
    throw new Error(`redirected for ever: ${way.join(' ')}`)
  }

  #jar(url: string): Map<string, string> {
    const { host } = new URL(url)
    const jar = this.#jars.get(host) ?? new Map<string, string>()
    this.#jars.set(host, jar)
    return jar
  }

  #take(url: string, cookie: string): void {
    const [pair = ''] = cookie.split(';')
    const at = pair.indexOf('=')
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)]
    const isGone = value === '' || /;\s*max-age=0(?:;|$)/i.test(cookie)
    if (isGone) this.#jar(url).delete(name)
    else this.#jar(url).set(name, value)
  }
}
