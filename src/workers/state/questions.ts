/** What workers ask the primary of what authenticators remember. JSON has no undefined: `null` stands for it. */
import type {
  AddedLogin,
  AttemptAllowance,
  EndedLogin,
  LoginLimits,
  PendingDevice,
  PendingLogin,
  Refreshed,
  RevokedKeys,
  TicketBinding,
  TicketLimits,
} from '../../../auth/index.ts'
import type { WrittenIdentity } from '../../state/identity-text.ts'
import type { LoginLine, RenewalLine } from './login-lines.ts'

interface Scoped {
  readonly scope: string
}

interface AskedAttempt extends Scoped {
  readonly user: string
  readonly address: string
}

/** A login that is being refreshed by a worker stands under a number in the primary; any other is found by its cookie. */
export type KnownLogin = { readonly id: string } | { readonly held: number }

export interface StateQuestions {
  'tickets.issue': {
    readonly ask: Scoped & {
      readonly identity: WrittenIdentity
      readonly binding: TicketBinding
      readonly limits: TicketLimits
    }
    readonly answer: string | null
  }
  'tickets.take': {
    readonly ask: Scoped & { readonly ticket: string; readonly binding: TicketBinding }
    readonly answer: { readonly identity: WrittenIdentity } | { readonly detail: string }
  }
  'tickets.revoke': { readonly ask: Scoped & { readonly keys: RevokedKeys }; readonly answer: null }
  'attempts.peek': { readonly ask: AskedAttempt; readonly answer: AttemptAllowance }
  'attempts.begin': { readonly ask: AskedAttempt; readonly answer: AttemptAllowance }
  'attempts.succeeded': { readonly ask: AskedAttempt; readonly answer: null }
  'attempts.withdrawn': { readonly ask: AskedAttempt; readonly answer: null }
  'logins.add': {
    readonly ask: Scoped & { readonly text: string; readonly limits: LoginLimits; readonly before: LoginLine | null }
    readonly answer: AddedLogin & { readonly hash: string }
  }
  'logins.find': { readonly ask: Scoped & { readonly id: string }; readonly answer: LoginLine | null }
  'logins.renew': {
    readonly ask: Scoped & { readonly login: KnownLogin; readonly renewal: RenewalLine }
    readonly answer: boolean
  }
  'logins.refresh': {
    /** `work` names what the worker does with it, once it is its turn. */
    readonly ask: Scoped & { readonly id: string; readonly refreshedAtMs: number; readonly work: number }
    readonly answer: Refreshed
  }
  'logins.end': { readonly ask: Scoped & { readonly login: LoginLine }; readonly answer: boolean }
  'logins.endOf': {
    readonly ask: Scoped & { readonly sub: string | null; readonly sid: string | null }
    readonly answer: readonly EndedLogin[]
  }
  'pending.seal': { readonly ask: Scoped & { readonly pending: PendingLogin }; readonly answer: string }
  'pending.open': { readonly ask: Scoped & { readonly sealed: string }; readonly answer: PendingLogin | null }
  'pending.sealDevice': { readonly ask: Scoped & { readonly pending: PendingDevice }; readonly answer: string }
  'pending.openDevice': { readonly ask: Scoped & { readonly sealed: string }; readonly answer: PendingDevice | null }
  'leases.take': {
    /** `id` is the worker's own number for it; `most` are allowed in all. */
    readonly ask: { readonly id: number; readonly service: string; readonly key: string; readonly most: number }
    readonly answer: boolean
  }
}

/** What the primary asks a worker in the course of that. */
export interface WorkQuestions {
  'logins.work': {
    readonly ask: { readonly work: number; readonly held: number; readonly login: LoginLine }
    readonly answer: Refreshed
  }
}
