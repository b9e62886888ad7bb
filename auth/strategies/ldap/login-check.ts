/**
 * Decides by a directory whether a name and a password belong together, and what that may cost: guesses are counted before
 * the directory is asked, logins of one credential at one time share a question, and one that was right is not asked for again
 * for a minute from the same network. Of what the directory said of a person, the answer to the question that was asked last
 * counts, whichever arrives last. No password is kept.
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
  readonly #people = new Map<string, Known>()
  readonly #underWay = new Map<string, Promise<LoginVerdict>>()
  /** What rechecks that began later have found meanwhile, for each question about a password that is under way. */
  readonly #proving = new Set<Map<string, Known | Gone>>()
  #askedCount = 0

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

  /**
   * Looks for a person anew, perhaps with other groups. Where there is none of this name any more, whoever gives it is asked
   * for again.
   */
  async again(name: string, look: () => Promise<DirectoryPerson | undefined>): Promise<DirectoryPerson | undefined> {
    const asked = this.#ask()
    const earlier = [...this.#proving]
    const found = await look()
    const person = found?.name === name ? found : undefined
    for (const newer of earlier) if ((newer.get(name)?.asked ?? 0) < asked) newer.set(name, { asked, person })
    if (person === undefined) this.#people.delete(name)
    else if (this.#people.has(name)) this.#learn({ asked, person })
    return person
  }

  #held(credential: string): DirectoryPerson | undefined {
    const held = this.#right.get(credential)
    return held !== undefined && this.#nowMs() < held.untilMs ? this.#people.get(held.name)?.person : undefined
  }

  #ask(): number {
    this.#askedCount += 1
    return this.#askedCount
  }

  /** @returns what is known now: it may have been asked for later, and answered before */
  #learn(answer: Known): DirectoryPerson {
    const { name } = answer.person
    const known = this.#people.get(name)
    if (known !== undefined && known.asked > answer.asked) return known.person
    keep(this.#people, name, answer)
    return answer.person
  }

  async #decide({ user, password, address, counted, credential }: Question): Promise<LoginVerdict> {
    const attempt = await this.#attempts.begin(counted, address)
    if (!attempt.allowed) return tooMany(attempt.retryAfterSeconds)
    const asked = this.#ask()
    const newer = new Map<string, Known | Gone>()
    this.#proving.add(newer)
    let proven: DirectoryPerson | undefined
    try {
      proven = await this.#directory.prove(user, password)
    } catch (error) {
      await this.#attempts.withdrawn(counted, address)
      if (error instanceof DirectoryBusy)
        return { kind: 'throttled', detail: error.message, retryAfterSeconds: BUSY_RETRY_SECONDS }
      throw error
    } finally {
      this.#proving.delete(newer)
    }
    if (proven === undefined) return { kind: 'wrong' }
    const answer = newer.get(proven.name) ?? { asked, person: proven }
    if (answer.person === undefined) return { kind: 'wrong' }
    const person = this.#learn(answer)
    keep(this.#right, credential, { name: person.name, untilMs: this.#nowMs() + RIGHT_MS })
    await this.#attempts.succeeded(counted, address)
    return { kind: 'right', person }
  }
}

/** As the newest entry; where there are too many, the oldest goes. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  const [oldest] = map.keys()
  if (map.size >= REMEMBERED_COUNT && oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}

/** What the directory said of a person, and to which question. */
interface Known {
  readonly asked: number
  readonly person: DirectoryPerson
}

interface Gone {
  readonly asked: number
  readonly person: undefined
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
