/** How the management API says no: as a problem in JSON. [RFC 9457] */
import { STATUS_CODES } from 'node:http'

export interface ProblemMore extends ErrorOptions {
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined
  /** Every mistake, with its place where there is one. */
  readonly errors?: readonly string[] | undefined
  /** Names of the logins that would help. */
  readonly logins?: readonly string[] | undefined
  /** The role that would have done. */
  readonly role?: string | undefined
}

/** Thrown by whatever refuses a request; `detail` is for the person who sent it. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly status: number
  readonly headers: NonNullable<ProblemMore['headers']>
  readonly body: Readonly<Record<string, unknown>>

  constructor(status: number, detail: string, { headers = {}, errors, role, logins, cause }: ProblemMore = {}) {
    super(detail, cause === undefined ? undefined : { cause })
    this.status = status
    this.headers = headers
    this.body = { type: 'about:blank', title: STATUS_CODES[status] ?? '', status, detail, errors, role, logins }
  }
}
