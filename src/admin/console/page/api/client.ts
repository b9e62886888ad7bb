/** Asks the management API, as somebody. The credential is in this object's memory and nowhere else: a reload forgets it. */
import type { Problem, Role } from './shapes.ts'

export type Credential =
  | { readonly kind: 'basic'; readonly name: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  /** The browser or a proxy in front shows who it is: a certificate, a cookie, a header. */
  | { readonly kind: 'ambient' }

/** The gateway said no, or did not answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** 0: there was no answer. */
  readonly status: number
  readonly errors: readonly string[]
  /** The role that would have done. */
  readonly role: Role | undefined
  /** Names of logins that lead through an identity provider. */
  readonly logins: readonly string[]
  /** `WWW-Authenticate`: what the gateway would take. */
  readonly challenge: string
  readonly retryAfterSeconds: number | undefined

  constructor(status: number, { detail = '', errors = [], role, logins = [] }: Problem, headers?: Headers) {
    super(detail)
    this.status = status
    this.errors = errors
    this.role = role
    this.logins = logins
    this.challenge = headers?.get('WWW-Authenticate') ?? ''
    const seconds = Number(headers?.get('Retry-After') ?? Number.NaN)
    this.retryAfterSeconds = Number.isFinite(seconds) ? seconds : undefined
  }
}

interface Sent {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/** An answer that takes longer is none. */
const LONGEST_MS = 15_000

/** Beside the page: also where a proxy in front has put a prefix before both. */
const API = new URL('../api/v1/', document.baseURI)

const LOGOUT = new URL('../auth/logout', document.baseURI)

/**
 * Ends the browser's login at the gateway.
 * @returns where the identity provider can be left as well; undefined where it has no such place
 * @throws {ApiError}
 */
export async function logOut(): Promise<string | undefined> {
  const answer = await fetch(LOGOUT, { method: 'POST', signal: AbortSignal.timeout(LONGEST_MS) }).catch(() => undefined)
  if (answer?.ok !== true) throw new ApiError(answer?.status ?? 0, { detail: 'the gateway did not end this login' })
  const { endSessionUrl } = (await answer.json()) as { readonly endSessionUrl?: string }
  return endSessionUrl !== undefined && /^https?:/.test(endSessionUrl) ? endSessionUrl : undefined
}

export class Client {
  readonly #authorization: string | undefined
  readonly #lost: (error: ApiError) => void

  /** @param lost told when the gateway does not take the credential any more */
  constructor(credential: Credential, lost: (error: ApiError) => void) {
    this.#authorization = authorizationOf(credential)
    this.#lost = lost
  }

  /** @throws {ApiError} */
  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.send<T>('GET', path, { signal })
  }

  /** @throws {ApiError} */
  async send<T>(method: string, path: string, sent: Sent = {}): Promise<T> {
    const deadline = AbortSignal.timeout(LONGEST_MS)
    const signal = sent.signal === undefined ? deadline : AbortSignal.any([sent.signal, deadline])
    const answer = await this.#answer(method, path, { ...sent, signal })
    const text = await answer.text()
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  /** An answer that does not end by itself. @throws {ApiError} */
  async stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.#answer('GET', path, { signal })
    if (body === null) throw new ApiError(0, { detail: 'the gateway sends no events' })
    return body
  }

  async #answer(method: string, path: string, { body, headers, signal }: Sent): Promise<Response> {
    const answer = await fetch(new URL(path, API), {
      method,
      headers: {
        // Without it a browser opens its own dialog where a password is wrong.
        'X-Requested-With': 'XMLHttpRequest',
        ...(this.#authorization === undefined ? {} : { Authorization: this.#authorization }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      cache: 'no-store',
      signal: signal ?? null,
    }).catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'AbortError') throw error
      throw new ApiError(0, { detail: 'the gateway does not answer' })
    })
    if (answer.ok) return answer
    const problem = (await answer.json().catch(() => ({}))) as Problem
    const error = new ApiError(answer.status, { detail: answer.statusText, ...problem }, answer.headers)
    if (error.status === 401) this.#lost(error)
    throw error
  }
}

/** Names and passwords are UTF-8. [RFC 7617 §2.1] */
function authorizationOf(credential: Credential): string | undefined {
  switch (credential.kind) {
    case 'basic': {
      const bytes = new TextEncoder().encode(`${credential.name}:${credential.password}`)
      return `Basic ${btoa(String.fromCharCode(...bytes))}`
    }
    case 'bearer':
      return `Bearer ${credential.token}`
    case 'ambient':
      return undefined
  }
}

/** For people: what went wrong, in one sentence. */
export function sentence(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error)
  const wait = error.retryAfterSeconds === undefined ? '' : ` Try again in ${error.retryAfterSeconds} s.`
  const text = error.errors.length > 0 ? error.errors.join('; ') : error.message
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.${wait}`
}
