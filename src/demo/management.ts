/**
 * The management HTTP API of a RabbitMQ: users, vhosts, permissions, connections. A request takes milliseconds where a
 * `rabbitmqctl` takes half a second. Not a part of the gateway, which never needs it: for the demo and the tests.
 */

export interface BrokerPermission {
  readonly configure: string
  readonly write: string
  readonly read: string
}

export const EVERYTHING: BrokerPermission = { configure: '.*', write: '.*', read: '.*' }

/** One row of the broker's connection list. A connection that has just opened or ended may miss details for a moment. */
export interface BrokerConnection {
  readonly name: string
  readonly user: string
  readonly vhost: string
  readonly state?: string
  readonly peer_host?: string
  readonly peer_port?: number
  readonly auth_mechanism?: string
  readonly ssl?: boolean
  readonly frame_max?: number
  readonly channel_max?: number
  readonly timeout?: number
  readonly channels?: number
  readonly client_properties?: Readonly<Record<string, unknown>>
}

class ManagementError extends Error {
  override readonly name = 'ManagementError'
  /** 0 where there was no answer. */
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

const ANSWER_MS = 20_000
/** The broker answers when the last of its queues has gone; there may be tens of thousands. */
const REMOVE_VHOST_MS = 300_000

export class BrokerManagement {
  /** Base address without a trailing slash, e.g. `http://127.0.0.1:15672`. */
  readonly url: string
  readonly #authorization: string

  constructor(url: string, username: string, password: string) {
    this.url = url.replace(/\/+$/, '')
    this.#authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  }

  /**
   * One request; `path` begins with `/api/`.
   * @throws ManagementError for any status from 400 up, and for none in time
   */
  async request(method: string, path: string, body?: unknown, withinMs = ANSWER_MS): Promise<unknown> {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: this.#authorization, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(withinMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new ManagementError(0, `${method} ${path}: ${String(error)}`, { cause: error })
    })
    const text = await response.text()
    if (!response.ok) {
      throw new ManagementError(response.status, `${method} ${path}: ${response.status} ${text.slice(0, 300)}`)
    }
    return text === '' ? undefined : JSON.parse(text)
  }

  async version(): Promise<string> {
    const overview = (await this.request('GET', '/api/overview')) as { rabbitmq_version?: string }
    return overview.rabbitmq_version ?? 'unknown'
  }

  async addVhost(name: string): Promise<void> {
    await this.request('PUT', `/api/vhosts/${encodeURIComponent(name)}`, {})
  }

  async removeVhost(name: string): Promise<void> {
    await this.#remove(`/api/vhosts/${encodeURIComponent(name)}`, REMOVE_VHOST_MS)
  }

  /** Adds the user or changes its password and tags (`impersonator`, `administrator`, …). */
  async addUser(name: string, password: string, tags: readonly string[] = []): Promise<void> {
    await this.request('PUT', `/api/users/${encodeURIComponent(name)}`, { password, tags: tags.join(',') })
  }

  async removeUser(name: string): Promise<void> {
    await this.#remove(`/api/users/${encodeURIComponent(name)}`)
  }

  async permit(user: string, vhost: string, permission: BrokerPermission = EVERYTHING): Promise<void> {
    await this.request('PUT', `/api/permissions/${encodeURIComponent(vhost)}/${encodeURIComponent(user)}`, permission)
  }

  async forbid(user: string, vhost: string): Promise<void> {
    await this.#remove(`/api/permissions/${encodeURIComponent(vhost)}/${encodeURIComponent(user)}`)
  }

  async permitTopic(
    user: string,
    vhost: string,
    topic: { exchange: string; write: string; read: string },
  ): Promise<void> {
    await this.request('PUT', `/api/topic-permissions/${encodeURIComponent(vhost)}/${encodeURIComponent(user)}`, topic)
  }

  async importDefinitions(definitions: unknown): Promise<void> {
    await this.request('POST', '/api/definitions', definitions)
  }

  /** The broker's own list of who is connected, of one vhost or of all. */
  async connections(vhost?: string): Promise<BrokerConnection[]> {
    const path = vhost === undefined ? '/api/connections' : `/api/vhosts/${encodeURIComponent(vhost)}/connections`
    return (await this.request('GET', path)) as BrokerConnection[]
  }

  /** Makes the broker close a connection (320 with this reason). */
  async closeConnection(name: string, reason = 'closed by the test'): Promise<void> {
    await fetch(`${this.url}/api/connections/${encodeURIComponent(name)}`, {
      method: 'DELETE',
      headers: { authorization: this.#authorization, 'x-reason': reason },
      signal: AbortSignal.timeout(ANSWER_MS),
    })
  }

  async #remove(path: string, withinMs = ANSWER_MS): Promise<void> {
    try {
      await this.request('DELETE', path, undefined, withinMs)
    } catch (error) {
      if (!(error instanceof ManagementError) || error.status !== 404) throw error
    }
  }
}
