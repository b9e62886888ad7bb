/**
 * Decides whether a name and a password belong together, and what that may cost.
 *
 * An unknown user takes the same path and the same time as a known one. Checks of one credential at one time share one
 * computation; one that was right within the last minute is not computed again from the same network. Guesses are
 * counted before they are computed. Keys of all that is remembered are keyed hashes; no password is kept.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { networkOf } from '../../net/addresses.ts'
import type { Attempts } from '../../state/attempts.ts'
import { HashQueue, TooBusy } from './hash-queue.ts'
import { type PasswordHash, phantomHash, verifyPassword } from './password.ts'
import { Recent } from './recent.ts'
import { changedUsers, keepUnchanged, type User, type Users } from './users.ts'

const RIGHT_MS = 60_000
const KNOWN_MS = 24 * 60 * 60 * 1000
const GUESSED_MS = 10 * 60 * 1000
const REMEMBERED_COUNT = 10_000
const FULL_RETRY_SECONDS = 2

/** What came out: the user, or `wrong` (without saying what of it), or too many attempts or too much to do. */
export type PasswordVerdict =
  | { readonly kind: 'right'; readonly user: User }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'throttled'; readonly detail: string; readonly retryAfterSeconds: number }

export interface PasswordCheckOptions {
  /** Shared by all authenticators of a process, since they share its processors. */
  readonly queue?: HashQueue | undefined
  /** Guesses so far; shared with whoever had the authenticator's name before. */
  readonly attempts: Attempts
}

export class PasswordCheck {
  readonly #queue: HashQueue
  readonly #attempts: Attempts
  readonly #key = randomBytes(32)
  readonly #right = new Recent(RIGHT_MS, REMEMBERED_COUNT)
  /** Users who logged in lately, by network. */
  readonly #known = new Recent(KNOWN_MS, REMEMBERED_COUNT)
  /** Names, of users or of nobody, about which somebody was wrong lately, wherever from. */
  readonly #guessed = new Recent(GUESSED_MS, REMEMBERED_COUNT)
  readonly #underWay = new Map<string, Promise<PasswordVerdict>>()
  #users: Users
  #phantoms: readonly PasswordHash[] = []

  constructor(users: Users, { queue, attempts }: PasswordCheckOptions) {
    this.#queue = queue ?? new HashQueue()
    this.#attempts = attempts
    this.#users = users
    this.#phantoms = phantomsOf(users)
  }

  get users(): Users {
    return this.#users
  }

  /** Forgets everything that was right. Returns the names of users who are gone or changed. */
  replaceUsers(users: Users): readonly string[] {
    const changed = changedUsers(this.#users, users)
    this.#users = keepUnchanged(this.#users, users)
    this.#phantoms = phantomsOf(users)
    this.#right.clear()
    return changed
  }

  /** `name` and `password` as sent; compared in Unicode's composed form. */
  async check(name: string, password: string, address: string): Promise<PasswordVerdict> {
    const composed = name.normalize('NFC')
    const delay = await this.#attempts.peek(composed, address)
    if (!delay.allowed) return tooMany(delay.retryAfterSeconds)
    const user = this.#users.get(composed)
    const hash = user?.hash ?? this.#phantom(composed)
    const network = networkOf(address)
    const credential = this.#digest([
      composed,
      password.normalize('NFC'),
      hash.salt.toString('hex'),
      hash.digest.toString('hex'),
      network,
    ])
    if (user !== undefined && this.#right.has(credential)) return { kind: 'right', user }
    const shared = this.#underWay.get(credential)
    if (shared !== undefined) return await shared
    const work = this.#decide({ name: composed, user, hash, password, address, credential })
    this.#underWay.set(credential, work)
    try {
      return await work
    } finally {
      this.#underWay.delete(credential)
    }
  }

  async #decide({ name, user, hash, password, address, credential }: Question): Promise<PasswordVerdict> {
    const visitor = this.#digest([name, networkOf(address)])
    const target = this.#digest([name])
    const lane = this.#known.has(visitor) ? 'known' : this.#guessed.has(target) ? 'stranger' : 'quiet'
    if (this.#queue.isFull(lane)) return tooBusy()
    const attempt = await this.#attempts.begin(name, address)
    if (!attempt.allowed) return tooMany(attempt.retryAfterSeconds)
    const fits = await this.#queue.run(lane, () => verifyPassword(password, hash)).catch(notBegun)
    if (fits === undefined) {
      await this.#attempts.withdrawn(name, address)
      return tooBusy()
    }
    // The users may have changed in the meantime: what was right for the old ones proves nothing.
    if (!fits || user === undefined || this.#users.get(name) !== user) {
      this.#guessed.add(target)
      return { kind: 'wrong' }
    }
    this.#right.add(credential)
    this.#known.add(visitor)
    await this.#attempts.succeeded(name, address)
    return { kind: 'right', user }
  }

  /** For an unknown name always the same phantom, as costly as some user's hash: as many of each cost as there are users. */
  #phantom(name: string): PasswordHash {
    const choice = createHmac('sha256', this.#key).update(name).digest().readUInt32BE(0) % this.#phantoms.length
    return this.#phantoms[choice] ?? phantomHash()
  }

  #digest(parts: readonly string[]): string {
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest('base64url')
  }
}

interface Question {
  readonly name: string
  readonly user: User | undefined
  readonly hash: PasswordHash
  readonly password: string
  readonly address: string
  readonly credential: string
}

function phantomsOf(users: Users): readonly PasswordHash[] {
  return users.size === 0 ? [phantomHash()] : [...users.values()].map(({ hash }) => phantomHash(hash))
}

function notBegun(error: unknown): undefined {
  if (!(error instanceof TooBusy)) throw error
}

function tooMany(retryAfterSeconds: number): PasswordVerdict {
  return { kind: 'throttled', detail: 'too many wrong passwords for this user from this network', retryAfterSeconds }
}

function tooBusy(): PasswordVerdict {
  return { kind: 'throttled', detail: 'too many passwords are being checked', retryAfterSeconds: FULL_RETRY_SECONDS }
}
