/**
 * Logins of programs that have no browser: the person types a code at the provider, in a browser anywhere, while the program
 * asks from time to time whether that has happened [RFC 8628]. What the gateway has to know until then is with the program,
 * sealed.
 */
import { AuthenticationRefused } from '../../errors.ts'
import type { Identity } from '../../identity.ts'
import { Secret } from '../../secret.ts'
import type { PendingLogins } from '../../state/pending-logins.ts'
import type { LoginAnswer } from './answer.ts'
import { type OidcClient, ProviderError, type ProviderTokens } from './client.ts'
import { refusal } from './failure.ts'

export interface DeviceLoginParts {
  readonly client: OidcClient
  readonly pendingLogins: PendingLogins
  readonly nowMs: () => number
  /** Keeps a login. @returns the pair of name and value that stands for it */
  open(tokens: ProviderTokens): Promise<{ readonly cookie: string; readonly identity: Identity }>
}

/** Anybody can begin one, and each costs the provider a request. */
const MOST_BEGUN = 20
const WITHIN_MS = 60_000

export class DeviceLogins {
  readonly #of: DeviceLoginParts
  /** When the last ones were begun, oldest first. */
  readonly #begunAtMs: number[] = []

  constructor(parts: DeviceLoginParts) {
    this.#of = parts
  }

  /** What the person needs, and a `handle` for the program. */
  async begin(): Promise<LoginAnswer> {
    const { client, pendingLogins, nowMs } = this.#of
    if (!this.#mayBegin()) return refusal(429, 'many logins are under way: try again in a minute')
    try {
      const device = await client.beginDevice()
      if (device === undefined) return refusal(404, 'the identity provider has no login for programs')
      const { deviceCode, expiresInSeconds, ...shown } = device
      const handle = await pendingLogins.sealDevice({ deviceCode, endsAtMs: nowMs() + expiresInSeconds * 1000 })
      return { status: 200, body: { ...shown, expiresIn: expiresInSeconds, handle } }
    } catch (error) {
      return answerTo(error)
    }
  }

  /** 202 until the person has agreed; then the cookie of a login. */
  async finish(handle: string): Promise<LoginAnswer> {
    const { client, pendingLogins, nowMs, open } = this.#of
    const pending = await pendingLogins.openDevice(handle)
    if (pending === undefined || nowMs() >= pending.endsAtMs) return refusal(400, 'this login took too long')
    try {
      const tokens = await client.deviceTokens(new Secret(pending.deviceCode))
      if (tokens === 'pending' || tokens === 'slow-down')
        return { status: 202, body: { slowDown: tokens === 'slow-down' } }
      const { cookie, identity } = await open(tokens)
      return { status: 200, body: { subject: identity.subject, cookie }, identity }
    } catch (error) {
      return answerTo(error)
    }
  }

  #mayBegin(): boolean {
    const now = this.#of.nowMs()
    const [oldest = 0] = this.#begunAtMs
    if (this.#begunAtMs.length >= MOST_BEGUN && now - oldest < WITHIN_MS) return false
    this.#begunAtMs.push(now)
    if (this.#begunAtMs.length > MOST_BEGUN) this.#begunAtMs.shift()
    return true
  }
}

/** @throws the error itself, where it is no word of the provider */
function answerTo(error: unknown): LoginAnswer {
  if (!(error instanceof AuthenticationRefused || error instanceof ProviderError)) throw error
  const isUnavailable = error instanceof ProviderError && error.kind === 'unavailable'
  return isUnavailable
    ? refusal(503, 'the identity provider cannot be asked now', error.message)
    : refusal(403, 'the login was refused', error.message)
}
