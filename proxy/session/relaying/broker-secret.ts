/**
 * The secret a broker connection lives on, where it changes: `connection.update-secret` on the broker leg, one at a
 * time, answered at the gateway. Secrets that the gateway gets by itself are asked for in time before their end; those
 * that only the client can bring are shown when they are brought. [RabbitMQ]
 *
 * A broker that refuses, or does not answer in time, has said its last word: the session ends.
 */
import { FRAME_OVERHEAD_BYTES } from '../../codec/frame.ts'
import { methodFrame } from '../../codec/method.ts'
import { ConnectionFault } from '../../faults.ts'
import type { Closing } from '../closing/closing.ts'
import { ended } from '../closing/ending.ts'
import type { BrokerLeg } from '../legs/broker-leg.ts'
import type { BrokerCredential, CredentialRenewal } from '../ports.ts'

/** How long the broker may take; one under an alarm reads nothing, and is not counted against. */
const ANSWER_MS = 10_000
/** First and longest wait after a fresh secret could not be had. */
const AGAIN_MS = 500
const AGAIN_MOST_MS = 15_000
/** Node fires timers beyond 2^31-1 ms at once: longer waits are made of these. */
const LONGEST_TIMER_MS = 86_400_000
/** Shown in the broker's log. */
const REASON = 'renewed before its expiry'

/** What it needs of the broker leg. `sendSecret` overwrites the frame. */
type SecretLeg = Pick<BrokerLeg, 'blocked' | 'sendSecret'>
/** What it needs to end the session. */
type SecretClosing = Pick<Closing, 'begin'>

interface Asked {
  readonly credential: BrokerCredential
  resolve(): void
  reject(error: Error): void
}

export class BrokerSecret {
  readonly #username: string
  readonly #broker: SecretLeg
  readonly #closing: SecretClosing
  #frameMaxBytes = 0
  #asked: Asked | undefined
  /** Shown next; a newer one takes the place of an older one. */
  #waiting: Asked | undefined
  /** Of the secret that the broker has: it ends with that one, whoever brought the next. */
  #renewal: CredentialRenewal | undefined
  #answerTimer: NodeJS.Timeout | undefined
  #renewalTimer: NodeJS.Timeout | undefined
  #over = false

  constructor(username: string, broker: SecretLeg, closing: SecretClosing) {
    this.#username = username
    this.#broker = broker
    this.#closing = closing
  }

  /** The broker has opened the vhost: from here on secrets are renewed. */
  start(renewal: CredentialRenewal | undefined, frameMaxBytes: number): void {
    this.#frameMaxBytes = frameMaxBytes
    this.#follow(renewal)
    this.#sendWaiting()
  }

  /** Whether the broker has still to answer. What it says instead is about the secret. */
  get isAsking(): boolean {
    return this.#asked !== undefined
  }

  /** Resolves when the broker has taken it. What comes before the session is open waits until it is. */
  show(credential: BrokerCredential): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(new Error('the session has ended'))
      if (credential.username !== this.#username) return reject(new Error('a fresh secret of another broker user'))
      const asked: Asked = { credential, resolve, reject }
      this.#waiting = this.#waiting === undefined ? asked : both(asked, this.#waiting)
      this.#sendWaiting()
    })
  }

  /** `connection.update-secret-ok`, which goes no further. @throws ConnectionFault: the broker's */
  onOk(): void {
    const asked = this.#asked
    if (asked === undefined) throw new ConnectionFault('command-invalid', 'connection.update-secret-ok unasked for')
    clearTimeout(this.#answerTimer)
    this.#asked = undefined
    this.#follow(asked.credential.renewal)
    asked.resolve()
    this.#sendWaiting()
  }

  /** The session is ending: nothing more is asked, and whoever waits is told. */
  stop(): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#answerTimer)
    clearTimeout(this.#renewalTimer)
    for (const asked of [this.#asked, this.#waiting]) asked?.reject(new Error('the session has ended'))
  }

  #sendWaiting(): void {
    const asked = this.#waiting
    if (asked === undefined || this.#asked !== undefined || this.#frameMaxBytes === 0) return
    this.#waiting = undefined
    const secret = asked.credential.secret?.()
    if (secret === undefined) return asked.reject(new Error('the credential has no secret to show'))
    const frame = methodFrame(0, 'connection.update-secret', { newSecret: secret, reason: REASON })
    secret.fill(0)
    if (frame.length > this.#frameMaxBytes) {
      frame.fill(0)
      return asked.reject(new Error(`${frame.length - FRAME_OVERHEAD_BYTES} bytes of secret in one frame are too many`))
    }
    this.#asked = asked
    this.#broker.sendSecret(frame)
    this.#watchAnswer()
  }

  #watchAnswer(): void {
    this.#answerTimer = setTimeout(() => {
      if (this.#broker.blocked) return this.#watchAnswer()
      const detail = `no answer to connection.update-secret within ${ANSWER_MS / 1000} s`
      this.#closing.begin(ended.renewalFailed('gateway', detail, 'timeout'))
    }, ANSWER_MS)
  }

  /** Counts on the monotonic clock: a wall clock that is set back must not make a secret live longer. */
  #follow(renewal: CredentialRenewal | undefined): void {
    clearTimeout(this.#renewalTimer)
    this.#renewal = renewal
    if (renewal === undefined) return
    const nowMs = Date.now()
    const startedMs = performance.now()
    const dueMs = startedMs + renewal.dueAtMs - nowMs
    const endMs = startedMs + renewal.expiresAtMs - nowMs
    this.#wait(dueMs, () => this.#renew(renewal, endMs, AGAIN_MS))
  }

  #wait(untilMs: number, then: () => void): void {
    if (this.#over) return
    const leftMs = untilMs - performance.now()
    this.#renewalTimer = setTimeout(
      () => (leftMs > LONGEST_TIMER_MS ? this.#wait(untilMs, then) : then()),
      Math.max(1, Math.min(leftMs, LONGEST_TIMER_MS)),
    )
  }

  #renew(renewal: CredentialRenewal, endMs: number, againMs: number): void {
    renewal
      .next()
      .then(async (next) => {
        if (this.#renewal !== renewal) return
        if (this.isAsking) throw new Error('the broker has not yet answered to the secret that the client has brought')
        await this.show(next)
      })
      .catch((error: unknown) => {
        if (this.#over || this.#renewal !== renewal) return
        const detail = error instanceof Error ? error.message : String(error)
        const leftMs = endMs - performance.now()
        const isLate = leftMs <= 0
        // Where the broker has still to answer, that has a deadline of its own.
        if (isLate && !this.isAsking)
          return this.#closing.begin(ended.renewalFailed('gateway', detail, 'secret-expired'))
        const pauseMs = isLate || leftMs >= AGAIN_MS ? Math.min(againMs, Math.max(AGAIN_MS, leftMs / 2)) : leftMs
        const untilMs = performance.now() + pauseMs
        this.#wait(untilMs, () => this.#renew(renewal, endMs, Math.min(againMs * 2, AGAIN_MOST_MS)))
      })
  }
}

/** Both are told what becomes of the newer one. */
function both(newer: Asked, older: Asked): Asked {
  return {
    credential: newer.credential,
    resolve: () => {
      newer.resolve()
      older.resolve()
    },
    reject: (error) => {
      newer.reject(error)
      older.reject(error)
    },
  }
}
