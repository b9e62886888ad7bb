/** Requests to the management API, and its noes as exit codes. */
import { CommandFailed, EXIT } from '../exit.ts'

const DEADLINE_MS = 30_000
const PREFIX = '/api/v1'

export interface ApiRequest {
  readonly query?: URLSearchParams | undefined
  readonly body?: unknown
}

interface Problem {
  readonly detail?: unknown
  readonly errors?: unknown
  readonly role?: unknown
}

export class AdminClient {
  readonly #url: URL
  readonly #authorization: string | undefined

  /** @param authorization the header's value */
  constructor(url: URL, authorization: string | undefined) {
    this.#url = url
    this.#authorization = authorization
  }

  get host(): string {
    return this.#url.host
  }

  /** The answer's JSON; undefined where it has no content. @throws CommandFailed where there is none, or a no */
  async ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, request: ApiRequest = {}): Promise<unknown> {
    const { query, body } = request
    const url = new URL(this.#url)
    url.pathname = `${url.pathname.replace(/\/$/, '')}${PREFIX}${path}`
    if (query !== undefined) url.search = query.toString()
    const response = await this.#send(url, method, body)
    const text = await response.text()
    const isJson = /^application\/(?:problem\+)?json\b/.test(response.headers.get('content-type') ?? '')
    if (text !== '' && !isJson)
      throw new CommandFailed(`${this.host} answers, but no Gatehouse: status ${response.status}`)
    const value: unknown = text === '' ? undefined : JSON.parse(text)
    if (response.ok) return value
    throw refused(path, response.status, (value ?? {}) as Problem)
  }

  async #send(url: URL, method: string, body: unknown): Promise<Response> {
    try {
      return await fetch(url, {
        method,
        // Nobody but this gateway is to see the credential.
        redirect: 'error',
        signal: AbortSignal.timeout(DEADLINE_MS),
        headers: {
          ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      })
    } catch (error) {
      throw new CommandFailed(`no gateway answers at ${this.host}: ${reasonOf(error)}`, { cause: error })
    }
  }
}

function refused(path: string, status: number, { detail, errors, role }: Problem): CommandFailed {
  const lines = Array.isArray(errors) ? errors.map(String) : []
  if (status === 401)
    return new CommandFailed('the gateway does not know you: see --user and --token-file', { code: EXIT.forbidden })
  if (status === 403) {
    const text = typeof role === 'string' ? `this needs the role ${role}, which your login does not have` : detail
    return new CommandFailed(String(text), { code: EXIT.forbidden })
  }
  const text = [`${String(detail)} (${status})`, ...lines].join('\n')
  return new CommandFailed(text, { code: path === '/reload' && status === 422 ? EXIT.configuration : EXIT.failure })
}

/** `fetch` hides the reason in the cause of its error. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `nothing within ${DEADLINE_MS / 1000} s`
  const { cause } = error
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join(', ')
  return cause instanceof Error ? cause.message : error.message
}
