/** `gatehouse connect` as a whole: a local door, the clients behind it, one login for all of them. */
import type { SecureContext } from 'node:tls'
import type { Secret } from '../../../auth/index.ts'
import type { LocalLogin } from '../../../proxy/index.ts'
import { type Farewell, LocalClient } from './local-client.ts'
import { type LocalAddress, LocalDoor } from './local-door.ts'
import { samePassword } from './local-password.ts'
import type { GatewayLogin } from './login/login.ts'
import { Notes } from './notes.ts'
import { type ConnectHealth, StatusServer } from './status.ts'
import { Way } from './way.ts'

export interface ConnectOptions {
  readonly url: URL
  readonly listen: LocalAddress
  readonly login: GatewayLogin
  readonly secureContext: () => Promise<SecureContext | undefined>
  /** Wanted from each client; undefined where any will do. */
  readonly localPassword: Secret | undefined
  readonly status: { readonly host: string; readonly port: number } | undefined
  readonly write: (line: string) => void
  /** Called with the end of each client. */
  readonly clientEnded: (end: Farewell) => void
  /** For tests: the deadlines of an attempt, and of a session's beginning. */
  readonly awayMs?: number | undefined
  readonly openingMs?: number | undefined
}

export class Connect {
  readonly #options: ConnectOptions
  readonly #way: Way
  readonly #notes: Notes
  readonly #clients = new Set<LocalClient>()
  #door: LocalDoor | undefined
  #status: StatusServer | undefined
  #renewals = 0
  #isOver = false
  #empty: (() => void) | undefined

  /** Listens. @throws LoginFailed where there is no login to begin with; the operating system's error */
  static async start(options: ConnectOptions): Promise<Connect> {
    const connect = new Connect(options)
    try {
      await options.login.proof()
      await options.secureContext()
      await connect.#listen()
      return connect
    } catch (error) {
      await connect.close()
      throw error
    }
  }

  private constructor(options: ConnectOptions) {
    this.#options = options
    this.#notes = new Notes(options.write)
    this.#way = new Way(options)
    options.login.onFresh((proof) => {
      for (const client of this.#clients) client.renew(proof)
    })
  }

  get address(): string {
    return this.#door?.address ?? ''
  }

  get port(): number | undefined {
    return this.#door?.port
  }

  get statusPort(): number | undefined {
    return this.#status?.port
  }

  get health(): ConnectHealth {
    const { url, login } = this.#options
    const { expiresAtMs } = login
    return {
      gateway: url.href,
      listening: this.address,
      clients: this.#clients.size,
      sessions: [...this.#clients].filter(({ isOpen }) => isOpen).length,
      login: login.kind,
      loginEndsAt: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
      renewals: this.#renewals,
      problem: this.#way.problem ?? login.problem ?? null,
    }
  }

  /** Takes no more clients; those that are there go on. */
  stopListening(): void {
    this.#door?.close()
  }

  /** Tells all clients that it ends, and resolves when they are gone. */
  async close(): Promise<void> {
    this.#isOver = true
    this.stopListening()
    this.#status?.close()
    this.#options.login.close()
    const gone = new Promise<void>((resolve) => {
      this.#empty = resolve
    })
    for (const client of this.#clients) client.end('gatehouse connect ends')
    if (this.#clients.size > 0) await gone
  }

  /** Drops whoever is still there. */
  cut(): void {
    for (const client of this.#clients) client.destroy()
  }

  async #listen(): Promise<void> {
    const { listen, status } = this.#options
    this.#door = await LocalDoor.open(listen, {
      entered: (socket) => this.#enter(socket),
      turnedAway: (count) => this.#notes.note(`a client is dropped: ${count} are connected already`),
    })
    if (status !== undefined) this.#status = await StatusServer.open(status.host, status.port, () => this.health)
  }

  #enter(socket: ConstructorParameters<typeof LocalClient>[0]['socket']): void {
    if (this.#isOver) {
      socket.destroy()
      return
    }
    const client = new LocalClient({
      socket,
      way: this.#way,
      openingMs: this.#options.openingMs,
      wantsPassword: this.#options.localPassword !== undefined,
      admits: (login) => this.#admits(login),
      note: (line) => this.#notes.note(line),
      renewed: () => {
        this.#renewals += 1
      },
      ended: (end) => {
        this.#clients.delete(client)
        this.#options.clientEnded(end)
        if (this.#clients.size === 0) this.#empty?.()
      },
    })
    this.#clients.add(client)
  }

  #admits({ password }: LocalLogin): boolean {
    const { localPassword } = this.#options
    return localPassword === undefined || (password !== undefined && samePassword(localPassword, password))
  }
}
