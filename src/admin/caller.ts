/** Who sent a request to the management API: proven by the same authenticators as services use, with a role that does. */
import type { IncomingMessage } from 'node:http'
import type { Identity } from '../../auth/index.ts'
import { answerRefusal, type RefusalNotes } from '../http/auth/refuse.ts'
import type { Hop } from '../http/hop.ts'
import { prove } from '../http/proof.ts'
import { isRefusal } from '../http/refusal.ts'
import type { Access } from './access.ts'
import { ApiProblem } from './problem.ts'
import type { Role } from './roles.ts'

export interface Caller {
  readonly identity: Identity
  /** Undefined: none at all. */
  readonly role: Role | undefined
  readonly address: string
  /** Whether a login of this listener is what proves it: then there is something to log out from. */
  readonly mayLogOut: boolean
  /** To be sent with the answer. */
  readonly responseHeaders: Readonly<Record<string, string>>
}

/** What authenticators read as the service: tokens and caches of services are none of this one. */
const SERVICE = '/api/v1'

/** @throws {ApiProblem} where nobody is proven: 401, 429 or 503 */
export async function callerOf(
  request: IncomingMessage,
  { requirement, logins, roleOf }: Access,
  { isWrite, hop, notes }: { readonly isWrite: boolean; readonly hop: Hop; readonly notes: RefusalNotes },
): Promise<Caller> {
  const { origin } = request.headers
  const asked = { http: request, service: SERVICE, origin, ...hop }
  const proven = await prove(requirement, asked, notes.metrics, { cookieNeedsOrigin: isWrite })
  if (isRefusal(proven)) {
    const { status, headers } = answerRefusal({ hop, service: undefined, origin }, proven, notes)
    const text = TEXTS[status] ?? 'nobody can be authenticated at the moment'
    const offered = status === 401 && logins.length > 0 ? logins.map(({ name }) => name) : undefined
    throw new ApiProblem(status, text, { headers, logins: offered })
  }
  const { identity, responseHeaders } = proven
  const { address } = hop
  const mayLogOut = logins.some(({ name }) => provers(identity).includes(name))
  return { identity, role: roleOf(identity, address), address, mayLogOut, responseHeaders }
}

function provers({ authenticator, parts }: Identity): readonly string[] {
  return parts === undefined ? [authenticator] : parts.map((part) => part.authenticator)
}

const TEXTS: Readonly<Record<number, string>> = {
  401: 'not authenticated: see admin.authenticate',
  429: 'too many attempts',
}
