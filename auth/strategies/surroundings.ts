/** What authenticators reach of the world outside, all of it lent by whoever makes them. */
import type { SecretSources } from '../promotion/input.ts'
import type { AuthState } from '../state/state.ts'
import type { HashQueue } from './basic/hash-queue.ts'
import type { UsersInput } from './basic/users.ts'
import type { KeySetEvent } from './jwt/jwks.ts'

export interface AuthenticatorSurroundings {
  readonly sources: SecretSources
  /** Shared by all that compute password hashes. */
  readonly hashQueue: HashQueue
  /** What outlives them. */
  readonly state: AuthState
  /** Called when an issuer's keys cannot be had, and when they can again. */
  observeKeys(authenticator: string, event: KeySetEvent): void
  /** Called when a provider did not take back the token of a login that has ended; `detail` is for operators. */
  notRevoked(authenticator: string, detail: string): void
  /** Imports a module by a package's name or an absolute path. */
  load(module: string): Promise<unknown>
  /** The whole file as it is now: for what is no secret, or is read rarely. */
  readFile(path: string): Promise<Uint8Array>
  /** The users of a users file. Rejects where it is no good. */
  readUsers(path: string): Promise<UsersInput>
  /** This process's own environment, for libraries that read it there: what is set is set for all. */
  readonly processEnv: NodeJS.ProcessEnv
  /** What stands before every path where browsers see it, in cookies and return addresses; undefined: nothing. */
  readonly basePath: string | undefined
}
