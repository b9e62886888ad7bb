/** Logins in the memory of this process. */
import { createHash, randomBytes } from 'node:crypto'
import type { Identity } from '../../identity.ts'
import type { AddedLogin, EndedLogin, Login, LoginLimits, LoginRenewal, Logins, Refreshed } from '../logins.ts'

const ID_BYTES = 32
const ID = /^[A-Za-z0-9_-]{43}$/

/** Shared by all identities that one login ever had. */
interface Authority {
  isLost: boolean
}

interface Entry {
  login: Login
  readonly authority: Authority
}

export class MemoryLogins implements Logins {
  readonly #nowMs: () => number
  readonly #loginEnded: (login: Login) => void
  /** In the order of their beginning, which is the order of their end as long as all are added for the same time. */
  readonly #entries = new Map<string, Entry>()
  readonly #bySub = new Map<string, Set<Entry>>()
  readonly #bySid = new Map<string, Set<Entry>>()
  readonly #refreshing = new Map<string, Promise<Refreshed>>()
  readonly #authorities = new WeakMap<Identity, Authority>()

  /**
   * @param nowMs ms since the epoch
   * @param loginEnded called with each login that nobody may believe any more
   */
  constructor(nowMs: () => number, loginEnded: (login: Login) => void = () => undefined) {
    this.#nowMs = nowMs
    this.#loginEnded = loginEnded
  }

  async add(begun: Omit<Login, 'hash'>, limits: LoginLimits, before?: Login): Promise<AddedLogin> {
    const replaced = this.#forget(before?.hash)
    this.#dropEnded(this.#entries.size >= limits.loginCount)
    const evicted = [
      ...this.#makeRoom(this.#bySub.get(begun.sub), limits.perPersonCount),
      ...this.#makeRoom(this.#entries, limits.loginCount),
    ]
    const id = randomBytes(ID_BYTES).toString('base64url')
    const login = { ...begun, hash: digest(id) }
    const entry = { login, authority: replaced?.authority ?? { isLost: false } }
    this.#authorities.set(login.identity, entry.authority)
    this.#entries.set(login.hash, entry)
    include(this.#bySub, login.sub, entry)
    if (login.sid !== undefined) include(this.#bySid, login.sid, entry)
    return { id, evicted }
  }

  async find(id: string): Promise<Login | undefined> {
    const entry = ID.test(id) ? this.#entries.get(digest(id)) : undefined
    return entry !== undefined && entry.login.endsAtMs > this.#nowMs() ? entry.login : undefined
  }

  async renew({ hash }: Login, renewal: LoginRenewal): Promise<boolean> {
    const entry = this.#entries.get(hash)
    if (entry === undefined) return false
    entry.login = { ...entry.login, ...renewal }
    this.#authorities.set(entry.login.identity, entry.authority)
    return true
  }

  async refreshAlone(login: Login, work: (current: Login) => Promise<Refreshed>): Promise<Refreshed> {
    const { hash, refreshedAtMs } = login
    const running = this.#refreshing.get(hash)
    if (running !== undefined) return await running
    const current = this.#entries.get(hash)?.login
    if (current === undefined) return 'ended'
    if (current.refreshedAtMs !== refreshedAtMs) return 'renewed'
    const refreshing = work(current).finally(() => this.#refreshing.delete(hash))
    this.#refreshing.set(hash, refreshing)
    return await refreshing
  }

  async end({ hash }: Login): Promise<boolean> {
    return this.#end(hash) !== undefined
  }

  async endOf({ sub, sid }: Parameters<Logins['endOf']>[0]): Promise<readonly EndedLogin[]> {
    const ofPerson = sub === undefined ? [] : [...(this.#bySub.get(sub) ?? [])]
    const ofSession = sid === undefined ? [] : [...(this.#bySid.get(sid) ?? [])]
    const named =
      sid === undefined
        ? ofPerson
        : [
            ...ofSession.filter(({ login }) => sub === undefined || login.sub === sub),
            ...ofPerson.filter(({ login }) => login.sid === undefined),
          ]
    return named.flatMap(({ login }) => ended(this.#end(login.hash)))
  }

  holds(identity: Identity): boolean {
    return this.#authorities.get(identity)?.isLost !== true
  }

  #end(hash: string): Login | undefined {
    const entry = this.#forget(hash)
    if (entry === undefined) return undefined
    entry.authority.isLost = true
    this.#loginEnded(entry.login)
    return entry.login
  }

  #forget(hash = ''): Entry | undefined {
    const entry = this.#entries.get(hash)
    if (entry === undefined) return undefined
    this.#entries.delete(hash)
    const { sub, sid } = entry.login
    exclude(this.#bySub, sub, entry)
    if (sid !== undefined) exclude(this.#bySid, sid, entry)
    return entry
  }

  /** Those at the front; where room is short, also those that were added for less time than one before them. */
  #dropEnded(roomIsShort: boolean): void {
    const now = this.#nowMs()
    for (const { login } of this.#entries.values()) {
      if (login.endsAtMs <= now) this.#forget(login.hash)
      else if (!roomIsShort) return
    }
  }

  /** Ends the oldest until there is room for one more. */
  #makeRoom(entries: ReadonlySet<Entry> | ReadonlyMap<string, Entry> = new Set(), most: number): readonly EndedLogin[] {
    const evicted: EndedLogin[] = []
    for (const { login } of entries.values()) {
      if (entries.size < most) break
      evicted.push(...ended(this.#end(login.hash)))
    }
    return evicted
  }
}

function ended(login: Login | undefined): readonly EndedLogin[] {
  return login === undefined ? [] : [{ hash: login.hash, sessionKey: login.identity.sessionKey }]
}

function include(index: Map<string, Set<Entry>>, key: string, entry: Entry): void {
  const entries = index.get(key)
  if (entries === undefined) index.set(key, new Set([entry]))
  else entries.add(entry)
}

function exclude(index: Map<string, Set<Entry>>, key: string, entry: Entry): void {
  const entries = index.get(key)
  entries?.delete(entry)
  if (entries?.size === 0) index.delete(key)
}

function digest(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}
