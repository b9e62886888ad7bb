/**
 * The way to the gateway: one attempt after the other within bounds, and why there is none, in words that go into
 * `connection.close`. A login that the gateway has just refused is not tried at once for the next client.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { SecureContext } from 'node:tls'
import { ConnectionFault } from '../../../proxy/index.ts'
import { OutboundWebSocket, UpgradeRefused } from '../../websocket/outbound.ts'
import { type GatewayLogin, LoginFailed, type Proof } from './login/login.ts'

/** Clients give up soon: a Java client waits 5 s for each answer while it connects. */
const AWAY_MS = 8_000
const AGAIN_MIN_MS = 100
const AGAIN_MAX_MS = 2_000
/** A refusal stands so long: a client that connects in a loop costs the gateway nothing, and nobody is locked out. */
const REFUSED_MS = 10_000

export interface WayOptions {
  readonly url: URL
  readonly login: GatewayLogin
  /** Read for each attempt, so that files may be exchanged. @throws LoginFailed */
  readonly secureContext: () => Promise<SecureContext | undefined>
  /** For tests. */
  readonly awayMs?: number | undefined
}

export interface WayFound {
  readonly socket: OutboundWebSocket
  readonly proof: Proof
}

export class Way {
  readonly #options: WayOptions
  #problem: ConnectionFault | undefined
  #refused: { readonly fault: ConnectionFault; readonly untilMs: number } | undefined

  constructor(options: WayOptions) {
    this.#options = options
    options.login.onFresh(() => this.#forget())
  }

  /** Why the last client found no way; undefined where it found one, or has another login since, or there was none yet. */
  get problem(): string | undefined {
    return this.#problem?.explanation
  }

  /** @throws ConnectionFault for the client to read */
  async dial(signal: AbortSignal): Promise<WayFound> {
    const standing = this.#standing()
    if (standing !== undefined) throw standing
    try {
      const found = await this.#found(signal)
      this.#refused = undefined
      this.#problem = undefined
      return found
    } catch (error) {
      // A client that left says nothing of the way.
      if (!signal.aborted && error instanceof ConnectionFault) this.#problem = error
      throw error
    }
  }

  async #found(signal: AbortSignal): Promise<WayFound> {
    const { awayMs = AWAY_MS } = this.#options
    const untilMs = performance.now() + awayMs
    // A gateway that answers byte by byte would otherwise take as long as it likes.
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(awayMs)])
    // Once: some sources have a token that is new, and as wrong, whenever they are asked.
    let mayRenew = true
    for (let again = AGAIN_MIN_MS; ; again = Math.min(again * 2, AGAIN_MAX_MS)) {
      const outcome = await this.#attempt(inTime, mayRenew)
      if ('socket' in outcome) return outcome
      mayRenew &&= !outcome.isRenewed
      const waitMs =
        outcome.retryMs === undefined ? undefined : Math.max(outcome.retryMs, again * (0.5 + Math.random()))
      if (inTime.aborted || waitMs === undefined || performance.now() + waitMs > untilMs) throw outcome.fault
      await pause(waitMs)
    }
  }

  async #attempt(signal: AbortSignal, mayRenew: boolean): Promise<WayFound | Miss> {
    const { url, login } = this.#options
    let proof: Proof | undefined
    try {
      proof = await shown(login)
      const headers = proof.authorization === undefined ? {} : { authorization: proof.authorization }
      const secureContext = await this.#options.secureContext()
      return { socket: await OutboundWebSocket.open({ url, headers, secureContext, signal }), proof }
    } catch (error) {
      if (error instanceof LoginFailed) return final('access-refused', error.message)
      if (signal.aborted) return final('connection-forced', `the gateway at ${url.host} does not answer in time`)
      if (!(error instanceof UpgradeRefused)) return unreachable(url, error)
      const miss = refusedBy(error)
      const isOurs = error.status === 401 && proof !== undefined
      if (isOurs && login.refused(proof as Proof) && mayRenew) return { ...miss, retryMs: 0, isRenewed: true }
      if (error.status === 401 || error.status === 403)
        this.#refused = { fault: miss.fault, untilMs: performance.now() + REFUSED_MS }
      return miss
    }
  }

  /** What was said of the login before holds no longer. */
  #forget(): void {
    this.#refused = undefined
    if (this.#problem?.code === 'access-refused') this.#problem = undefined
  }

  #standing(): ConnectionFault | undefined {
    if (this.#refused !== undefined && performance.now() > this.#refused.untilMs) this.#refused = undefined
    return this.#refused?.fault
  }
}

/** Somebody may have to type a code: clients do not wait for that. */
async function shown(login: GatewayLogin): Promise<Proof> {
  const done = new AbortController()
  const late = pause(AWAY_MS, undefined, { signal: done.signal }).catch(() => undefined)
  try {
    const proof = await Promise.race([login.proof(), late])
    if (proof === undefined) throw new LoginFailed('there is no login yet: see the output of gatehouse connect')
    return proof
  } finally {
    done.abort()
  }
}

/** An attempt that failed; without `retryMs` another one would, too. */
interface Miss {
  readonly fault: ConnectionFault
  readonly retryMs: number | undefined
  /** The next attempt shows another login. */
  readonly isRenewed: boolean
}

function final(code: 'access-refused' | 'connection-forced', explanation: string): Miss {
  return { fault: new ConnectionFault(code, explanation), retryMs: undefined, isRenewed: false }
}

function refusedBy({ status, text, retryAfterMs }: UpgradeRefused): Miss {
  const said = `the gateway refuses: ${text === '' ? `HTTP status ${status}` : `${text} (${status})`}`
  const isPassing = status === 429 || status === 408 || status >= 500
  if (isPassing) return { ...final('connection-forced', said), retryMs: retryAfterMs ?? 0 }
  return final('access-refused', said)
}

function unreachable(url: URL, error: unknown): Miss {
  const { code = '', message } = error as Error & { code?: string }
  // Nobody's patience makes a certificate better.
  if (/CERT|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|^ERR_TLS|^ERR_SSL|^ERR_OSSL/.test(code))
    return final('connection-forced', `no safe way to the gateway at ${url.host}: ${message}`)
  const reason = message === '' ? code : message
  return { ...final('connection-forced', `no gateway answers at ${url.host}: ${reason}`), retryMs: 0 }
}
