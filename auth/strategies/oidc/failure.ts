/** Logins that come to nothing: what the person who tried is told, and how to try again. */
import { AuthenticationRefused } from '../../errors.ts'
import type { PendingLogin } from '../../state/pending-logins.ts'
import type { LoginAnswer, LoginFailureReason } from './answer.ts'
import { ProviderError } from './client.ts'

/** Of the login that failed. */
interface FailedAt {
  readonly publicUrl: string
  readonly errorUrl?: string | undefined
}

/** A no; `detail` is for operators. */
export function refusal(status: number, error: string, detail = error): LoginAnswer {
  return { status, body: { error }, detail }
}

/** The same for the person who tried. */
export function failed(
  answer: LoginAnswer,
  reason: LoginFailureReason,
  { publicUrl, errorUrl }: FailedAt,
  pending?: PendingLogin,
): LoginAnswer {
  const address = errorUrl === undefined ? undefined : new URL(errorUrl, publicUrl)
  address?.searchParams.set('reason', reason)
  return { ...answer, failure: { reason, begunBy: pending && againBy(pending), errorUrl: address?.href } }
}

/** For what the provider said, or did not say. @throws the error itself, where it is another one */
export function failedBy(error: unknown, at: FailedAt, pending: PendingLogin): LoginAnswer {
  if (!(error instanceof AuthenticationRefused || error instanceof ProviderError)) throw error
  const kind = error instanceof ProviderError ? error.kind : 'refused'
  const answer =
    kind === 'unavailable'
      ? refusal(503, 'the identity provider cannot be asked now', error.message)
      : refusal(403, 'the login was refused', error.message)
  return failed(answer, kind, at, pending)
}

/** The query that begins such a login again, and leads to the same place. */
function againBy({ begunBy, returnTo }: PendingLogin): string {
  const query = new URLSearchParams(begunBy)
  const { pathname, search, hash } = new URL(returnTo)
  query.set('returnTo', `${pathname}${search}${hash}`)
  return query.toString()
}
