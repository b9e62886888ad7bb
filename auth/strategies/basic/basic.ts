/**
 * HTTP Basic against a users file, through Passport's own strategy for it.
 *
 * passport-http cuts a password at its first colon, refuses one that begins with a colon and takes any scheme with
 * "basic" in its name. So the header is read here, to the letter, and passport-http is shown the same credential in an
 * encoding without colons. What it hands to the check must be that very credential.
 */
import passportHttp from 'passport-http'
import type { Authenticator, Outcome } from '../../authenticator.ts'
import { InvalidConfiguration } from '../../errors.ts'
import { type Identity, identityKey } from '../../identity.ts'
import { type StrategyRun, strategyRun } from '../strategy.ts'
import { basicChallenge } from './challenge.ts'
import { readBasicHeader } from './header.ts'
import { PasswordCheck, type PasswordCheckOptions, type PasswordVerdict } from './password-check.ts'
import { compileUsers, type User, type Users, type UsersInput } from './users.ts'

export interface BasicOptions extends PasswordCheckOptions {
  readonly name: string
  /** Printable ASCII. */
  readonly realm: string
  readonly users: UsersInput
  /** Reads the users again, for `readAgain`. */
  readonly loadUsers?: (() => Promise<UsersInput>) | undefined
}

export interface BasicAuthenticator extends Authenticator {
  readonly type: 'basic'
  readonly users: Users
  /**
   * Replaces all users at once. Returns the keys (`identityKey`) of people who are gone or whose password, roles or
   * claims changed: their sessions have to end.
   * @throws InvalidConfiguration, and then everything stays as it was
   */
  replaceUsers(users: UsersInput): readonly string[]
  /** The same by users of another one, which comes in its place: whose password is being checked here is nobody more than there. */
  replacedBy(users: Users): readonly string[]
}

/** @throws InvalidConfiguration with every mistake in the realm and the users, their paths below the options */
export function basicAuthenticator({ name, realm, users, loadUsers, ...options }: BasicOptions): BasicAuthenticator {
  const challenge = basicChallenge(realm)
  const check = new PasswordCheck(atUsers(users), options)
  const run = strategyRun(new passportHttp.BasicStrategy({ realm: 'unused', passReqToCallback: true }, verify))
  const keysOf = (subjects: readonly string[]) => subjects.map((subject) => identityKey({ issuer: name, subject }))
  const replaceUsers = (input: UsersInput) => keysOf(check.replaceUsers(compileUsers(input)))
  let [readCount, usedRead] = [0, 0]
  return {
    name,
    type: 'basic',
    challenge,
    // A page's own login must not meet the browser's dialog, which opens for every scheme called Basic.
    scriptChallenge: `x${challenge}`,
    async authenticate({ http, address }) {
      const header = readBasicHeader(http)
      if (header.kind === 'absent') return header
      if (header.kind === 'malformed')
        return { kind: 'refused', detail: header.detail, malformed: true, carrier: CARRIER }
      const { user, password } = header
      const question: Question = { user, password, decide: () => check.check(user, password, address) }
      return outcomeOf(await ask(run, question), name)
    },
    get users() {
      return check.users
    },
    // Users who stay as they are stay the same objects, and so do their roles.
    stillHolds: ({ subject, roles }) => check.users.get(subject)?.roles === roles,
    replaceUsers,
    replacedBy: (others) => keysOf(check.replaceUsers(others)),
    async readAgain() {
      if (loadUsers === undefined) return () => []
      readCount += 1
      const read = readCount
      const users = compileUsers(await loadUsers())
      return () => {
        // A reload takes its time until it uses what it has read: whoever was removed since must not be back with it.
        if (read < usedRead) return []
        usedRead = read
        return keysOf(check.replaceUsers(users))
      }
    },
    lostSince(before) {
      return isBasic(before) ? before.replacedBy(check.users) : []
    },
  }
}

function isBasic(authenticator: Authenticator): authenticator is BasicAuthenticator {
  return authenticator.type === 'basic' && 'users' in authenticator
}

const CARRIER = 'authorization'

/** What travels through passport-http to its verify function and back. */
interface Question {
  readonly user: string
  readonly password: string
  decide(): Promise<PasswordVerdict>
  verdict?: PasswordVerdict
}

interface QuestionedRequest {
  readonly headers: { readonly authorization: string }
  readonly question: Question
}

async function ask(run: StrategyRun, question: Question): Promise<PasswordVerdict> {
  const credentials = `${base64url(question.user)}:${base64url(question.password)}`
  const request: QuestionedRequest = {
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    question,
  }
  const { kind } = await run(request)
  const verdict = question.verdict ?? { kind: 'wrong' }
  if ((kind === 'success') !== (verdict.kind === 'right'))
    throw new Error('passport-http decided otherwise than its verify function')
  return verdict
}

function verify(
  request: unknown,
  user: string,
  password: string,
  done: (error: unknown, user?: unknown) => void,
): void {
  const { question } = request as QuestionedRequest
  if (user !== base64url(question.user) || password !== base64url(question.password)) {
    done(new Error('passport-http read another credential than was sent'))
    return
  }
  void decide(question, done)
}

async function decide(question: Question, done: (error: unknown, user?: unknown) => void): Promise<void> {
  let verdict: PasswordVerdict
  try {
    verdict = await question.decide()
  } catch (error) {
    done(error)
    return
  }
  question.verdict = verdict
  done(null, verdict.kind === 'right' ? verdict.user : false)
}

function outcomeOf(verdict: PasswordVerdict, issuer: string): Outcome {
  switch (verdict.kind) {
    case 'right':
      return { kind: 'proven', identity: identityOf(verdict.user, issuer), carrier: CARRIER }
    case 'wrong':
      return { kind: 'refused', detail: 'wrong name or password', carrier: CARRIER }
    case 'throttled':
      return { kind: 'refused', detail: verdict.detail, retryAfterSeconds: verdict.retryAfterSeconds, carrier: CARRIER }
  }
}

function identityOf({ name, roles, claims }: User, issuer: string): Identity {
  return { issuer, subject: name, authenticator: issuer, roles, claims, fromCookie: false }
}

function atUsers(users: UsersInput): Users {
  try {
    return compileUsers(users)
  } catch (error) {
    throw error instanceof InvalidConfiguration ? error.under('users') : error
  }
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}
