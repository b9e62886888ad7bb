/**
 * Decides by a directory whether a name and a password belong together, and what that may cost: guesses are counted before
 * the directory is asked, logins of one credential at one time share a question, and one that was right is not asked for again
 * for a minute from the same network. No password is kept.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { networkOf } from '../../net/addresses.ts'
import type { Attempts } from '../../state/attempts.ts'
import { DirectoryBusy } from './connections.ts'
import type { Directory, DirectoryPerson } from './directory.ts'
import { isPlainName } from './escape.ts'

const RIGHT_MS = 60_000
const REMEMBERED_COUNT = 10_000
const BUSY_RETRY_SECONDS = 2

export type LoginVerdict =
  | { readonly kind: 'right'; readonly person: DirectoryPerson }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'throttled'; readonly detail: string; readonly retryAfterSeconds: number }

export class LoginCheck {
  readonly #directory: Pick<Directory, 'prove'>
  readonly #attempts: Attempts
  readonly #nowMs: () => number
  readonly #key = randomBytes(32)
  /** Credentials that were right, and whose they are. */
  readonly #right = new Map<string, { readonly name: string; readonly untilMs: number }>()
  /** These people, as the directory showed them last: a credential that is held brings no groups of before. */
  readonly #people = new Map<string, DirectoryPerson>()
  readonly #underWay = new Map<string, Promise<LoginVerdict>>()

  constructor(directory: Pick<Directory, 'prove'>, attempts: Attempts, nowMs: () => number = () => performance.now()) {
    this.#directory = directory
    this.#attempts = attempts
    this.#nowMs = nowMs
  }

  /** @throws an `Error` in operators' words where the directory cannot decide */
  async check(user: string, password: string, address: string): Promise<LoginVerdict> {
    // A bind without a password succeeds as nobody. [RFC 4513 §5.1.2]
    if (password === '' || !isPlainName(user)) return { kind: 'wrong' }
    // Directories compare names without regard to case: one person has one count.
    const counted = user.toLowerCase()
    const delay = await this.#attempts.peek(counted, address)
    if (!delay.allowed) return tooMany(delay.retryAfterSeconds)
    const credential = createHmac('sha256', this.#key)
      .update(JSON.stringify([user, password, networkOf(address)]))
      .digest('base64url')
    const held = this.#held(credential)
    if (held !== undefined) return { kind: 'right', person: held }
    const shared = this.#underWay.get(credential) ?? this.#decide({ user, password, address, counted, credential })
    this.#underWay.set(credential, shared)
    try {
      return await shared
    } finally {
      this.#underWay.delete(credential)
    }
  }

  /** The directory showed this person again, perhaps with other groups. */
  seen(person: DirectoryPerson): void {
    if (this.#people.has(person.name)) this.#people.set(person.name, person)
  }

  /** This person is not there any more: whoever gives this name is asked for again. */
  gone(name: string): void {
    this.#people.delete(name)
  }

  #held(credential: string): DirectoryPerson | undefined {
    const held = this.#right.get(credential)
    return held !== undefined && this.#nowMs() < held.untilMs ? this.#people.get(held.name) : undefined
  }

  async #decide({ user, password, address, counted, credential }: Question): Promise<LoginVerdict> {
    const attempt = await this.#attempts.begin(counted, address)
    if (!attempt.allowed) return tooMany(attempt.retryAfterSeconds)
    let person: DirectoryPerson | undefined
    try {
      person = await this.#directory.prove(user, password)
    } catch (error) {
      await this.#attempts.withdrawn(counted, address)
      if (error instanceof DirectoryBusy)
        return { kind: 'throttled', detail: error.message, retryAfterSeconds: BUSY_RETRY_SECONDS }
      throw error
    }
    if (person === undefined) return { kind: 'wrong' }
    this.#remember(credential, person)
    await this.#attempts.succeeded(counted, address)
    return { kind: 'right', person }
  }

  #remember(credential: string, person: DirectoryPerson): void {
    keep(this.#right, credential, { name: person.name, untilMs: this.#nowMs() + RIGHT_MS })
    keep(this.#people, person.name, person)
  }
}

/** As the newest entry; where there are too many, the oldest goes. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  const [oldest] = map.keys()
  if (map.size >= REMEMBERED_COUNT && oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}

interface Question {
  readonly user: string
  readonly password: string
  readonly address: string
  readonly counted: string
  readonly credential: string
}

function tooMany(retryAfterSeconds: number): LoginVerdict {
  return { kind: 'throttled', detail: 'too many wrong passwords for this user from this network', retryAfterSeconds }
}
