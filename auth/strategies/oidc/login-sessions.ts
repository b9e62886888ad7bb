/**
 * Logins that the gateway keeps for browsers: who is behind an opaque cookie, and with what it is renewed. Only hashes
 * of cookies are kept. Bounded in number, per person and in all: the oldest goes first, and whoever listens is told.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Identity } from '../../identity.ts'
import type { Secret } from '../../secret.ts'
import type { JsonObject } from '../jwt/json.ts'

const ID_BYTES = 32
const ID = /^[A-Za-z0-9_-]{43}$/

export interface Login {
  /** The hash of what its cookie holds. */
  readonly hash: string
  /** Replaced by a renewal, always with one of the same issuer and subject. */
  identity: Identity
  /** Of the last ID token: what UserInfo says beside it is asked for again, never kept. */
  idClaims: JsonObject
  refreshToken: Secret | undefined
  refreshedAtMs: number
  /** The provider's own names for person and session: `sub` and `sid`. */
  readonly sub: string
  readonly sid: string | undefined
  /** When it ends whatever its renewals, in ms since the epoch. */
  readonly endsAtMs: number
}

export interface LoginLimits {
  /** Of all people together. */
  readonly loginCount: number
  /** Of one person. */
  readonly perPersonCount: number
}

export class LoginSessions {
  readonly #limits: LoginLimits
  readonly #onEvicted: (login: Login) => void
  /** In the order of their beginning, which is the order of their end. */
  readonly #logins = new Map<string, Login>()
  readonly #bySub = new Map<string, Set<Login>>()
  readonly #bySid = new Map<string, Set<Login>>()

  constructor(limits: LoginLimits, onEvicted: (login: Login) => void) {
    this.#limits = limits
    this.#onEvicted = onEvicted
  }

  get size(): number {
    return this.#logins.size
  }

  /** Keeps a login; returns what its cookie shall hold: 256 random bits in base64url. */
  add(begun: Omit<Login, 'hash'>, nowMs: number): string {
    this.#dropEnded(nowMs)
    const own = this.#bySub.get(begun.sub)
    if (own !== undefined && own.size >= this.#limits.perPersonCount) this.#evictFirst(own)
    if (this.#logins.size >= this.#limits.loginCount) this.#evictFirst(this.#logins.values())
    const id = randomBytes(ID_BYTES).toString('base64url')
    const login = { ...begun, hash: digest(id) }
    this.#logins.set(login.hash, login)
    include(this.#bySub, login.sub, login)
    if (login.sid !== undefined) include(this.#bySid, login.sid, login)
    return id
  }

  /** The login a cookie names; undefined where there is none, or no longer. */
  find(id: string, nowMs: number): Login | undefined {
    const login = ID.test(id) ? this.#logins.get(digest(id)) : undefined
    return login !== undefined && login.endsAtMs > nowMs ? login : undefined
  }

  /** Whether this very login has not been ended. */
  has(login: Login): boolean {
    return this.#logins.get(login.hash) === login
  }

  /** Ends one; false where it had ended before. */
  end(login: Login): boolean {
    if (!this.#logins.delete(login.hash)) return false
    exclude(this.#bySub, login.sub, login)
    if (login.sid !== undefined) exclude(this.#bySid, login.sid, login)
    return true
  }

  /**
   * Ends every login of a session at the provider, or of a person where no session is named; returns them. Logins whose
   * session nobody knows count as any session of their person.
   */
  endOf({ sub, sid }: { readonly sub?: string | undefined; readonly sid?: string | undefined }): readonly Login[] {
    const ofPerson = sub === undefined ? [] : [...(this.#bySub.get(sub) ?? [])]
    const ofSession = sid === undefined ? [] : [...(this.#bySid.get(sid) ?? [])]
    const named =
      sid === undefined
        ? ofPerson
        : [
            ...ofSession.filter((login) => sub === undefined || login.sub === sub),
            ...ofPerson.filter((login) => login.sid === undefined),
          ]
    return named.filter((login) => this.end(login))
  }

  clear(): void {
    this.#logins.clear()
    this.#bySub.clear()
    this.#bySid.clear()
  }

  #dropEnded(nowMs: number): void {
    for (const login of this.#logins.values()) {
      if (login.endsAtMs > nowMs) return
      this.end(login)
    }
  }

  #evictFirst(logins: Iterable<Login>): void {
    const [first] = logins
    if (first !== undefined && this.end(first)) this.#onEvicted(first)
  }
}

function include(index: Map<string, Set<Login>>, key: string, login: Login): void {
  const logins = index.get(key)
  if (logins === undefined) index.set(key, new Set([login]))
  else logins.add(login)
}

function exclude(index: Map<string, Set<Login>>, key: string, login: Login): void {
  const logins = index.get(key)
  logins?.delete(login)
  if (logins?.size === 0) index.delete(key)
}

function digest(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}
