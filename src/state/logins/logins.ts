/**
 * Logins in the store. Whoever has the cookie and one of `state.key` can read one; the store and its administrators cannot.
 * A refresh is done by one replica, which holds a lock; its fencing token keeps one that was too slow from writing after
 * the next one.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type AddedLogin,
  type EndedLogin,
  type Identity,
  type Login,
  type LoginLimits,
  type LoginRenewal,
  type Logins,
  type Refreshed,
  StateUnavailable,
} from '../../../auth/index.ts'
import { digest } from '../keys.ts'
import type { Sealer } from '../sealing.ts'
import type { Store } from '../store.ts'
import { LoginAuthority } from './authority.ts'
import { ADD, FINISH, LIST, LOCK, RENEW, UNLOCK } from './scripts.ts'
import { type LoginNote, readLogin, readNote, writtenLogin } from './text.ts'

const ID_BYTES = 32
const ID = /^[A-Za-z0-9_-]{43}$/
/** Longer than a provider may take for one refresh: discovery, tokens and UserInfo, five seconds each. */
const LOCK_MS = 20_000
/** How often whoever waits for another replica's refresh looks, drawn at random between both. */
const [LOOK_MS, LOOK_MORE_MS] = [50, 100]

export interface SharedLoginsOptions {
  readonly store: Store
  readonly sealer: Sealer
  readonly scope: string
  readonly keys: (name: string) => string
  readonly nowMs: () => number
  /** Called with what no gateway may believe any more, whatever the store says, and until when. */
  readonly ended: (logins: EndedUntil) => void
}

/** Hashes, and when each would have ended by itself. */
export type EndedUntil = readonly (readonly [hash: string, untilMs: number])[]

/** What this process needs to write a login that it has read. */
interface Opened {
  readonly secret: Buffer
  latest: Login
  fence: string
}

export class SharedLogins implements Logins {
  readonly #of: SharedLoginsOptions
  readonly #authority: LoginAuthority
  readonly #opened = new WeakMap<Login, Opened>()
  readonly #refreshing = new Map<string, Promise<Refreshed>>()

  constructor(options: SharedLoginsOptions) {
    this.#of = options
    this.#authority = new LoginAuthority(options.nowMs)
  }

  async add(begun: Omit<Login, 'hash'>, limits: LoginLimits, before?: Login): Promise<AddedLogin> {
    const { store, sealer, scope, keys, nowMs } = this.#of
    const id = randomBytes(ID_BYTES).toString('base64url')
    const name = this.#nameOf(id)
    const { sub, sid, identity, endsAtMs } = begun
    const note: LoginNote = { sub, sid, sessionKey: identity.sessionKey, endsAtMs }
    const answer = await store.eval(
      'login',
      ADD,
      [keys('b'), keys('e')],
      [
        name,
        before?.hash ?? '',
        sealer.seal(writtenLogin(begun), { kind: 'login', name, secret: secretOf(id) }),
        sealer.seal(JSON.stringify(note), { kind: 'login note', name }),
        Math.max(1, endsAtMs - nowMs()),
        limits.loginCount,
        limits.perPersonCount,
        `p:${sealer.nameOf('login of person', scope, sub)}`,
        sid === undefined ? '' : `s:${sealer.nameOf('login of session', scope, sid)}`,
        keys('l:'),
        keys(''),
      ],
    )
    if (before !== undefined) this.#authority.continued(name, before.hash)
    this.#authority.found(name, identity)
    return { id, evicted: this.#endedBy(answer) }
  }

  async find(id: string): Promise<Login | undefined> {
    if (!ID.test(id)) return undefined
    const name = this.#nameOf(id)
    if (this.#authority.hasEnded(name)) return undefined
    const value = await this.#of.store.run('login', 'HGET', this.#keyOf(name), 'v')
    return this.#open(name, secretOf(id), value)
  }

  async renew(login: Login, renewal: LoginRenewal): Promise<boolean> {
    const { store, sealer } = this.#of
    const opened = this.#opened.get(login)
    if (opened === undefined) throw new TypeError('a login is renewed by whoever has found it')
    const { hash: name } = login
    const latest: Login = { ...opened.latest, ...renewal }
    const sealed = sealer.seal(writtenLogin(latest), { kind: 'login', name, secret: opened.secret })
    const answer = await store.eval('login', RENEW, [this.#keyOf(name)], [sealed, opened.fence])
    if (answer === -1) throw new StateUnavailable('another replica has renewed the login in the meantime')
    if (answer !== 1) return false
    opened.latest = latest
    this.#authority.found(name, latest.identity)
    return true
  }

  async refreshAlone(login: Login, work: (current: Login) => Promise<Refreshed>): Promise<Refreshed> {
    const running = this.#refreshing.get(login.hash)
    if (running !== undefined) return await running
    const refreshing = this.#refreshAlone(login, work).finally(() => this.#refreshing.delete(login.hash))
    this.#refreshing.set(login.hash, refreshing)
    return await refreshing
  }

  async end(login: Login): Promise<boolean> {
    this.#ended([[login.hash, login.endsAtMs]])
    const { store, keys } = this.#of
    const answer = await store.eval('login', FINISH, [keys('b'), keys('e')], [keys('l:'), keys(''), login.hash])
    return Array.isArray(answer) && answer.length > 0
  }

  async endOf({ sub, sid }: Parameters<Logins['endOf']>[0]): Promise<readonly EndedLogin[]> {
    const { store, sealer, scope, keys } = this.#of
    const [ofPerson, ofSession] = await Promise.all([
      sub === undefined ? [] : this.#list(`p:${sealer.nameOf('login of person', scope, sub)}`),
      sid === undefined ? [] : this.#list(`s:${sealer.nameOf('login of session', scope, sid)}`),
    ])
    const named =
      sid === undefined
        ? ofPerson
        : [
            ...ofSession.filter(({ note }) => sub === undefined || note.sub === sub),
            ...ofPerson.filter(({ note }) => note.sid === undefined),
          ]
    if (named.length === 0) return []
    const names = named.map(({ name }) => name)
    const answer = await store.eval('login', FINISH, [keys('b'), keys('e')], [keys('l:'), keys(''), ...names])
    return this.#endedBy(answer)
  }

  holds(identity: Identity): boolean {
    return this.#authority.holds(identity)
  }

  /** They have ended at another gateway. */
  endedElsewhere(logins: EndedUntil): void {
    for (const [hash, untilMs] of logins) this.#authority.ended(hash, untilMs)
  }

  async #refreshAlone(login: Login, work: (current: Login) => Promise<Refreshed>): Promise<Refreshed> {
    const { hash: name } = login
    const opened = this.#opened.get(login)
    if (opened === undefined) throw new TypeError('a login is refreshed by whoever has found it')
    const token = randomBytes(16).toString('base64url')
    const deadlineMs = performance.now() + LOCK_MS
    while (performance.now() < deadlineMs) {
      const [taken, value, fence] = await this.#lock(name, token)
      if (taken === -1) return 'ended'
      if (taken === 0) {
        const outcome = await this.#outcomeOf(name, String(value), deadlineMs)
        if (outcome !== undefined) return outcome
        continue
      }
      return await this.#refreshLocked({ name, token, work, before: login, secret: opened.secret, value, fence })
    }
    return 'unavailable'
  }

  async #refreshLocked(locked: {
    readonly name: string
    readonly token: string
    readonly work: (current: Login) => Promise<Refreshed>
    readonly before: Login
    readonly secret: Buffer
    readonly value: unknown
    readonly fence: unknown
  }): Promise<Refreshed> {
    const { name, token, work, before, secret, value, fence } = locked
    let outcome: Refreshed | '' = ''
    try {
      const current = this.#open(name, secret, value)
      const opened = current && this.#opened.get(current)
      if (current === undefined || opened === undefined) outcome = 'ended'
      else if (current.refreshedAtMs !== before.refreshedAtMs) outcome = 'renewed'
      else {
        opened.fence = String(fence)
        outcome = await work(current)
      }
      return outcome
    } finally {
      // Whoever waits finds out by the lock's end, too.
      await this.#of.store.eval('login', UNLOCK, [this.#lockOf(name)], [token, outcome]).catch(() => undefined)
    }
  }

  async #lock(name: string, token: string): Promise<readonly unknown[]> {
    const answer = await this.#of.store.eval('login', LOCK, [this.#keyOf(name), this.#lockOf(name)], [token, LOCK_MS])
    return Array.isArray(answer) ? (answer as readonly unknown[]) : []
  }

  /** What whoever has this token has come to; undefined where it has not said so. */
  async #outcomeOf(name: string, token: string, deadlineMs: number): Promise<Refreshed | undefined> {
    while (performance.now() < deadlineMs) {
      await pause(LOOK_MS + Math.random() * LOOK_MORE_MS)
      const held = await this.#of.store.run('login', 'GET', this.#lockOf(name))
      if (held === token) continue
      const said = typeof held === 'string' && held.startsWith(`=${token}:`) ? held.slice(token.length + 2) : undefined
      return OUTCOMES.find((outcome) => outcome === said)
    }
    return 'unavailable'
  }

  async #list(index: string): Promise<readonly { readonly name: string; readonly note: LoginNote }[]> {
    const { store, keys } = this.#of
    const answer = await store.eval('login', LIST, [keys(index)], [keys('l:')])
    return pairs(answer).flatMap(([name, sealed]) => {
      const note = this.#note(name, sealed)
      return note === undefined ? [] : [{ name, note }]
    })
  }

  #endedBy(answer: unknown): readonly EndedLogin[] {
    const ended = pairs(answer).flatMap(([hash, sealed]) => {
      const note = this.#note(hash, sealed)
      return note === undefined ? [] : [{ hash, ...note }]
    })
    this.#ended(ended.map(({ hash, endsAtMs }) => [hash, endsAtMs]))
    return ended.map(({ hash, sessionKey }) => ({ hash, sessionKey }))
  }

  #ended(logins: EndedUntil): void {
    if (logins.length === 0) return
    this.endedElsewhere(logins)
    this.#of.ended(logins)
  }

  #note(name: string, sealed: unknown): LoginNote | undefined {
    const text = this.#of.sealer.open(sealed, { kind: 'login note', name })
    return text === undefined ? undefined : readNote(text)
  }

  /** What cannot be opened is no login: with another key, or by another hand. */
  #open(name: string, secret: Buffer, value: unknown): Login | undefined {
    const text = this.#of.sealer.open(value, { kind: 'login', name, secret })
    if (text === undefined) return undefined
    const login = readLogin(name, text)
    if (login.endsAtMs <= this.#of.nowMs()) return undefined
    this.#opened.set(login, { secret, latest: login, fence: '' })
    this.#authority.found(name, login.identity)
    return login
  }

  #nameOf(id: string): string {
    return digest('login', this.#of.scope, id)
  }

  #keyOf(name: string): string {
    return this.#of.keys(`l:${name}`)
  }

  #lockOf(name: string): string {
    return this.#of.keys(`k:${name}`)
  }
}

const OUTCOMES: readonly Refreshed[] = ['renewed', 'ended', 'unavailable', 'impossible']

function secretOf(id: string): Buffer {
  return Buffer.from(id, 'base64url')
}

function pairs(answer: unknown): readonly (readonly [string, unknown])[] {
  if (!Array.isArray(answer)) return []
  return answer.flatMap((pair: unknown): (readonly [string, unknown])[] =>
    Array.isArray(pair) && typeof pair[0] === 'string' ? [[pair[0], pair[1]]] : [],
  )
}
