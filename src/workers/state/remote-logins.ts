/**
 * Logins that the primary keeps, as a worker reaches them. What has to be known in the same turn (`holds`) is known here: the
 * primary tells all workers which logins have ended.
 */
import type {
  AddedLogin,
  EndedLogin,
  Identity,
  Login,
  LoginLimits,
  LoginRenewal,
  Logins,
  Refreshed,
} from '../../../auth/index.ts'
import { LoginAuthority } from '../../state/logins/authority.ts'
import type { EndedUntil } from '../../state/logins/logins.ts'
import { writtenLogin } from '../../state/logins/text.ts'
import { type LoginLine, loginIn, loginLine, renewalLine } from './login-lines.ts'
import type { KnownLogin } from './questions.ts'
import type { StateLine } from './state-line.ts'

export class RemoteLogins implements Logins {
  readonly #line: StateLine
  readonly #scope: string
  readonly #authority = new LoginAuthority(Date.now)
  /** How the primary knows them. */
  readonly #known = new WeakMap<Login, KnownLogin>()

  constructor(line: StateLine, scope: string) {
    this.#line = line
    this.#scope = scope
  }

  async add(begun: Omit<Login, 'hash'>, limits: LoginLimits, before?: Login): Promise<AddedLogin> {
    const { id, hash, evicted } = await this.#line.ask('logins.add', {
      scope: this.#scope,
      text: writtenLogin(begun),
      limits,
      before: before === undefined ? null : loginLine(before),
    })
    if (before !== undefined) this.#authority.continued(hash, before.hash)
    this.#authority.found(hash, begun.identity)
    return { id, evicted }
  }

  async find(id: string): Promise<Login | undefined> {
    const found = await this.#line.ask('logins.find', { scope: this.#scope, id })
    return found === null || this.#authority.hasEnded(found.hash) ? undefined : this.#read(found, { id })
  }

  async renew(login: Login, renewal: LoginRenewal): Promise<boolean> {
    const known = this.#knownOf(login)
    const ask = { scope: this.#scope, login: known, renewal: renewalLine(renewal) }
    const isRenewed = await this.#line.ask('logins.renew', ask)
    if (isRenewed && renewal.identity !== undefined) this.#authority.found(login.hash, renewal.identity)
    return isRenewed
  }

  async refreshAlone(login: Login, work: (current: Login) => Promise<Refreshed>): Promise<Refreshed> {
    const known = this.#knownOf(login)
    // Whoever is at it already has it: nobody else may wait for that one to end.
    if ('held' in known) return await work(login)
    return await this.#line.refresh(
      { scope: this.#scope, id: known.id, refreshedAtMs: login.refreshedAtMs },
      async (current, held) => await work(this.#read(current, { held })),
    )
  }

  async end(login: Login): Promise<boolean> {
    this.#authority.ended(login.hash, login.endsAtMs)
    return await this.#line.ask('logins.end', { scope: this.#scope, login: loginLine(login) })
  }

  async endOf({ sub, sid }: Parameters<Logins['endOf']>[0]): Promise<readonly EndedLogin[]> {
    return await this.#line.ask('logins.endOf', { scope: this.#scope, sub: sub ?? null, sid: sid ?? null })
  }

  holds(identity: Identity): boolean {
    return this.#authority.holds(identity)
  }

  /** They have ended, whoever ended them. */
  endedElsewhere(logins: EndedUntil): void {
    for (const [hash, untilMs] of logins) this.#authority.ended(hash, untilMs)
  }

  #knownOf(login: Login): KnownLogin {
    const known = this.#known.get(login)
    if (known === undefined) throw new TypeError('a login is renewed by whoever has found it')
    return known
  }

  #read(line: LoginLine, known: KnownLogin): Login {
    const login = loginIn(line)
    this.#known.set(login, known)
    this.#authority.found(login.hash, login.identity)
    return login
  }
}
