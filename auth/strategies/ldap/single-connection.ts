/**
 * A client that connects once. Where its connection is lost, or was given up while somebody still waited for a password, the
 * package would connect again by itself: as nobody, after StartTLS without TLS, and nobody would close it. So somebody on the
 * way only had to cut it at the right moment. What the package has not understood yet when TLS begins, it would put before
 * what the directory says: so somebody on the way could answer in its place.
 */
import type { LdapClient, SearchOptions, TlsOptions } from './client.ts'

/** What version 8 of the package keeps to itself. */
interface Inside {
  /** The beginning of a message of which the rest has not come. */
  readonly messageParser?: { readonly buffer?: Uint8Array | undefined }
  readonly socket?: { readonly writable: boolean } | undefined
}

export class SingleConnection implements LdapClient {
  readonly #client: LdapClient & Inside
  #mayConnect = true

  constructor(client: LdapClient) {
    this.#client = client
  }

  /** The package itself does not notice that a connection with StartTLS has ended. */
  get isConnected(): boolean {
    return this.#client.isConnected && this.#client.socket?.writable === true
  }

  /** @throws {Error} where anything is left of what was said before TLS [RFC 4513 §3.1.1] */
  async startTLS(options: TlsOptions): Promise<void> {
    this.#mayConnect = false
    await this.#client.startTLS(options)
    const { messageParser } = this.#client
    if (messageParser === undefined) throw new Error('StartTLS needs version 8 of the package ldapts')
    if (messageParser.buffer !== undefined) throw new Error('more than the answer to StartTLS was said before TLS')
  }

  /** @throws {Error} where the connection was lost: nothing is said then */
  async bind(dn: string, password: string): Promise<void> {
    this.#isThere()
    await this.#client.bind(dn, password)
  }

  /** @throws {Error} where the connection was lost: nothing is said then */
  async search(base: string, options: SearchOptions): ReturnType<LdapClient['search']> {
    this.#isThere()
    return await this.#client.search(base, options)
  }

  async unbind(): Promise<void> {
    this.#mayConnect = false
    await this.#client.unbind()
  }

  #isThere(): void {
    if (!this.#mayConnect && !this.isConnected) throw new Error('the connection to the directory was lost')
    this.#mayConnect = false
  }
}
