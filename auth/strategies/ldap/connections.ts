/**
 * Connections to a directory: several URLs tried in turn, TLS before anything is said, everything with a deadline. Those that
 * search as the gateway are kept for a while and shared; one that a person's password opens is closed at once.
 */
import { isIP } from 'node:net'
import { within } from '../../deadline.ts'
import type { Secret } from '../../secret.ts'
import { failureOf, hasResultCode, type LdapClient, type MakeClient, type TlsOptions } from './client.ts'
import { SingleConnection } from './single-connection.ts'

export interface Server {
  readonly urls: readonly string[]
  readonly startTls: boolean
  readonly ca: Buffer | undefined
}

/** As whom the gateway searches; undefined: as nobody. */
export interface ServiceLogin {
  readonly dn: string
  readSecret(): Promise<Secret>
}

const TIMEOUT_MS = 5_000
/** For connecting and the first answer, all URLs together: a login has five seconds. */
const REACH_MS = 4_000
/** At least this, however many URLs there are. */
const REACH_EACH_MS = 1_000
/** A URL that did not answer is tried behind the others for this time. */
const AWAY_MS = 30_000
/** Most connections at once. */
const OPEN_MAX = 16
/** Most that are kept open while nobody searches, and for how long. */
const IDLE_MAX = 4
const IDLE_MS = 60_000

/** There are enough connections already. */
export class DirectoryBusy extends Error {
  override readonly name = 'DirectoryBusy'
}

/** The directory has answered, and not with what was asked for. */
export class DirectoryRefusal extends Error {
  override readonly name = 'DirectoryRefusal'
}

interface Idle {
  readonly client: LdapClient
  readonly sinceMs: number
}

export class Connections {
  readonly #make: MakeClient
  readonly #server: Server
  readonly #service: ServiceLogin | undefined
  readonly #idle: Idle[] = []
  /** URL → until when the others go before it. */
  readonly #awayUntilMs = new Map<string, number>()
  #openCount = 0
  #isClosed = false

  constructor(make: MakeClient, server: Server, service: ServiceLogin | undefined) {
    this.#make = make
    this.#server = server
    this.#service = service
  }

  /**
   * Works on a connection that is bound as the gateway. One that was kept may have died meanwhile: then another is made.
   * @throws DirectoryBusy, or an `Error` in operators' words
   */
  async asService<T>(work: (client: LdapClient) => Promise<T>): Promise<T> {
    const kept = this.#takeIdle()
    if (kept !== undefined) {
      try {
        const result = await work(kept)
        this.#keep(kept)
        return result
      } catch {
        // Where this one is dead, the others of its time are mostly dead, too.
        if (!kept.isConnected) this.#dropIdle()
        this.#drop(kept)
      }
    }
    const { client } = await this.#connect((fresh) => this.#bindService(fresh))
    try {
      const result = await work(client)
      this.#keep(client)
      return result
    } catch (error) {
      this.#drop(client)
      throw error
    }
  }

  /**
   * Works on a connection of its own.
   * @param login the first that is said on it: the package connects only then
   * @throws DirectoryBusy, or whatever the work throws
   */
  async alone<T, L>(
    login: (client: LdapClient) => Promise<L>,
    work: (client: LdapClient, login: L) => Promise<T>,
  ): Promise<T> {
    const { client, said } = await this.#connect(login)
    try {
      return await work(client, said)
    } finally {
      this.#drop(client)
    }
  }

  /** What is under way goes on; no connection is kept any more. */
  close(): void {
    this.#isClosed = true
    this.#dropIdle()
  }

  #dropIdle(): void {
    for (const { client } of this.#idle.splice(0)) this.#drop(client)
  }

  /** At the first URL that answers. What it answers is its answer: no other one is asked then. */
  async #connect<L>(
    login: (client: LdapClient) => Promise<L>,
  ): Promise<{ readonly client: LdapClient; readonly said: L }> {
    if (this.#openCount >= OPEN_MAX) throw new DirectoryBusy('too many names are being checked')
    this.#openCount += 1
    const failures: string[] = []
    const eachMs = Math.max(REACH_EACH_MS, Math.floor(REACH_MS / this.#server.urls.length))
    for (const url of this.#inOrder()) {
      const { client, isReady } = this.#begin(url)
      try {
        const said = await within(
          eachMs,
          'an answer',
          isReady.then(async () => await login(client)),
        )
        this.#awayUntilMs.delete(url)
        return { client, said }
      } catch (error) {
        discard(client)
        if (isAnswer(error)) {
          this.#openCount -= 1
          throw error
        }
        this.#awayUntilMs.set(url, performance.now() + AWAY_MS)
        failures.push(`${url}: ${failureOf(error)}`)
      }
    }
    this.#openCount -= 1
    throw new Error(`the directory cannot be reached: ${failures.join('; ')}`)
  }

  #inOrder(): readonly string[] {
    const nowMs = performance.now()
    const isAway = (url: string) => nowMs < (this.#awayUntilMs.get(url) ?? 0)
    const { urls } = this.#server
    return [...urls.filter((url) => !isAway(url)), ...urls.filter(isAway)]
  }

  #begin(url: string): { readonly client: LdapClient; readonly isReady: Promise<void> } {
    const { ca, startTls } = this.#server
    const { hostname, protocol } = new URL(url)
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const tls: TlsOptions = { ca, host, servername: isIP(host) === 0 ? host : undefined, minVersion: 'TLSv1.2' }
    const made = this.#make({
      url,
      timeout: TIMEOUT_MS,
      connectTimeout: TIMEOUT_MS,
      strictDN: false,
      tlsOptions: protocol === 'ldaps:' ? tls : undefined,
    })
    const client = new SingleConnection(made)
    return { client, isReady: startTls ? client.startTLS(tls) : Promise.resolve() }
  }

  async #bindService(client: LdapClient): Promise<void> {
    if (this.#service === undefined) return
    const { dn, readSecret } = this.#service
    const bytes = (await readSecret().catch((cause: unknown) => unreadable(dn, cause))).reveal()
    const password = bytes.toString()
    bytes.fill(0)
    try {
      await client.bind(dn, password)
    } catch (error) {
      if (!isAnswer(error)) throw error
      throw new DirectoryRefusal(
        `the directory does not take ${dn}, as whom the gateway searches: ${failureOf(error)}`,
        {
          cause: error,
        },
      )
    }
  }

  #takeIdle(): LdapClient | undefined {
    const nowMs = performance.now()
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (nowMs - idle.sinceMs < IDLE_MS) return idle.client
      this.#drop(idle.client)
    }
    return undefined
  }

  #keep(client: LdapClient): void {
    if (this.#isClosed || this.#idle.length >= IDLE_MAX) this.#drop(client)
    else this.#idle.push({ client, sinceMs: performance.now() })
  }

  #drop(client: LdapClient): void {
    this.#openCount -= 1
    discard(client)
  }
}

/** No other URL is tried for it. */
function unreadable(dn: string, cause: unknown): never {
  const why = cause instanceof Error ? cause.message : 'unknown failure'
  throw new DirectoryRefusal(`there is no password for ${dn}, as whom the gateway searches: ${why}`, { cause })
}

function isAnswer(error: unknown): boolean {
  return error instanceof DirectoryRefusal || hasResultCode(error)
}

function discard(client: LdapClient): void {
  client.unbind().catch(() => undefined)
}
