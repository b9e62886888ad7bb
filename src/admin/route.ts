/** One route of the management API, and what it is asked. */
import type { IncomingMessage } from 'node:http'
import type { AdminEvent } from '../../proxy/index.ts'
import type { Answer } from './answer.ts'
import type { Caller } from './caller.ts'
import type { Role } from './roles.ts'

export interface Call {
  readonly request: IncomingMessage
  readonly query: URLSearchParams
  /** What stands in the path where the route has `{id}`; else empty. */
  readonly id: string
  readonly caller: Caller
}

export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `{id}` stands for one segment. */
  readonly path: string
  readonly role: Role
  /** How the audit trail calls it, where it changes something. */
  readonly event?: AdminEvent['event']
  /** @throws {ApiProblem} */
  handle(call: Call): Answer | Promise<Answer>
}
