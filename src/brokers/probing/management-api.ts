/** The permissions and tags of broker users, as the management API of RabbitMQ shows them. Read only. */
import type { BrokerRights } from '../../../auth/index.ts'

const TIMEOUT_MS = 5_000
const LARGEST = 1024 * 1024

export interface ManagementLogin {
  readonly url: URL
  readonly username: string
  readonly password: string
}

export class ManagementApi {
  readonly #base: string
  readonly #authorization: string

  constructor({ url, username, password }: ManagementLogin) {
    this.#base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
    this.#authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  }

  /** Undefined: none in this vhost. @throws Error with operators' text */
  async rightsOf(user: string, vhost: string): Promise<BrokerRights | undefined> {
    const found = await this.#get(`/api/permissions/${encodeURIComponent(vhost)}/${encodeURIComponent(user)}`)
    if (found === undefined) return undefined
    const { configure, write, read } = found
    if (typeof configure !== 'string' || typeof write !== 'string' || typeof read !== 'string')
      throw new Error('the management API answered in a form that is not known')
    return { configure, write, read }
  }

  /** @throws Error with operators' text */
  async tagsOf(user: string): Promise<readonly string[]> {
    const tags = (await this.#get(`/api/users/${encodeURIComponent(user)}`))?.['tags']
    // A list since RabbitMQ 3.9, a text before.
    if (typeof tags === 'string') return tags.split(',')
    return Array.isArray(tags) ? tags.map(String) : []
  }

  async #get(path: string): Promise<Record<string, unknown> | undefined> {
    const response = await fetch(this.#base + path, {
      headers: { authorization: this.#authorization },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`the management API answered ${response.status} for ${path}`)
    const text = await response.text()
    if (text.length > LARGEST) throw new Error('the management API answered too much')
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  }
}
