/** Requests to the management API, and its noes as exit codes. */
import { CommandFailed, EXIT } from '../exit.ts'

const DEADLINE_MS = 30_000
const PREFIX = '/api/v1'

export interface ApiRequest {
  readonly query?: URLSearchParams | undefined
  readonly body?: unknown
}

/** As who to ask; nobody where both are absent. */
export interface AdminCredential {
  /** The header's value. */
  readonly authorization?: string | undefined
  /** Name and value of a login's cookie. */
  readonly cookie?: string | undefined
}

interface Sent {
  readonly query?: URLSearchParams | undefined
  readonly sent?: { readonly type: string; readonly text: string } | undefined
}

export interface AdminAnswer {
  readonly status: number
  /** Of JSON. */
  readonly value: unknown
}

interface Problem {
  readonly detail?: unknown
  readonly errors?: unknown
  readonly role?: unknown
  readonly logins?: unknown
}

export class AdminClient {
  readonly #url: URL
  readonly #credential: AdminCredential

  constructor(url: URL, credential: AdminCredential) {
    this.#url = url
    this.#credential = credential
  }

  get host(): string {
    return this.#url.host
  }

  /** Where the gateway is. */
  get url(): URL {
    return this.#url
  }

  /** The answer's JSON; undefined where it has no content. @throws CommandFailed where there is none, or a no */
  async ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, request: ApiRequest = {}): Promise<unknown> {
    const { body } = request
    const sent = body === undefined ? undefined : { type: 'application/json', text: JSON.stringify(body) }
    const { status, value } = await this.send(method, `${PREFIX}${path}`, { query: request.query, sent })
    if (status < 300) return value
    throw refused(path, status, (value ?? {}) as Problem)
  }

  /** Whatever the answer is, by a path of the listener. @throws CommandFailed where there is none */
  async send(method: string, path: string, { query, sent }: Sent = {}): Promise<AdminAnswer> {
    const url = new URL(this.#url)
    url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`
    if (query !== undefined) url.search = query.toString()
    const response = await this.#fetch(url, method, sent)
    const text = await response.text()
    const isJson = /^application\/(?:problem\+)?json\b/.test(response.headers.get('content-type') ?? '')
    if (text !== '' && !isJson)
      throw new CommandFailed(`${this.host} answers, but no Gatehouse: status ${response.status}`)
    return { status: response.status, value: text === '' ? undefined : JSON.parse(text) }
  }

  async #fetch(url: URL, method: string, sent: Sent['sent']): Promise<Response> {
    const { authorization, cookie } = this.#credential
    try {
      return await fetch(url, {
        method,
        // Nobody but this gateway is to see the credential.
        redirect: 'error',
        signal: AbortSignal.timeout(DEADLINE_MS),
        headers: {
          ...(authorization === undefined ? {} : { authorization }),
          // Cookies write for pages of the listener's own origin only.
          ...(cookie === undefined ? {} : { cookie, origin: url.origin }),
          ...(sent === undefined ? {} : { 'content-type': sent.type }),
        },
        body: sent?.text ?? null,
      })
    } catch (error) {
      throw new CommandFailed(`no gateway answers at ${this.host}: ${reasonOf(error)}`, { cause: error })
    }
  }
}

function refused(path: string, status: number, { detail, errors, role, logins }: Problem): CommandFailed {
  const lines = Array.isArray(errors) ? errors.map(String) : []
  if (status === 401) {
    const login = Array.isArray(logins) ? 'gatehouse login, ' : ''
    const text = `the gateway does not know you: see ${login}--user and --token-file`
    return new CommandFailed(text, { code: EXIT.forbidden })
  }
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
