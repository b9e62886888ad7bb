/**
 * A connection that StartTLS secures. Where it is lost, the package would connect again by itself, without TLS, and say the
 * password there: somebody on the way only has to cut it at the right moment.
 */
import type { LdapClient, SearchOptions, TlsOptions } from './client.ts'

export class SecuredClient implements LdapClient {
  readonly #client: LdapClient

  constructor(client: LdapClient) {
    this.#client = client
  }

  get isConnected(): boolean {
    return this.#client.isConnected
  }

  async startTLS(options: TlsOptions): Promise<void> {
    await this.#client.startTLS(options)
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
    await this.#client.unbind()
  }

  #isThere(): void {
    if (!this.#client.isConnected) throw new Error('the connection to the directory was lost after StartTLS')
  }
}
