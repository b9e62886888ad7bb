/**
 * The port to the broker: a session asks a dialler for a stream over which a broker speaks AMQP 0-9-1, and does not know
 * how it is made. TCP and TLS are one implementation: see `TcpDialler`.
 */
import type { Duplex } from 'node:stream'
import { type BrokerFailure, commonFailure } from './broker-failure.ts'

/** No single node may use up the deadline of all. */
const ATTEMPT_MS = 5000

/** Makes broker connections. Not a byte of AMQP is written by it. */
export interface Dialler {
  /** Names and addresses of machines that a broker's words must not carry to clients. */
  readonly hosts: readonly string[]
  /** @throws BrokerUnavailable when nothing answered in time, or when it was given up */
  dial(request: DialRequest): Promise<Dialled>
}

export interface DialRequest {
  /** For brokers that are shown where the client is. */
  readonly clientAddress: string
  readonly timeoutMs: number
  readonly giveUp: GiveUp
  /** Nodes that took this session's connection and then said nothing: not again. */
  readonly silent?: readonly string[] | undefined
}

export interface Dialled {
  /**
   * Ready to be written; it belongs to whoever has dialled. When it calls back after a write, the bytes are not needed any
   * more: a secret is overwritten then.
   */
  readonly stream: Duplex
  /** The node that answered, as operators know it: `amqps://host:port`. */
  readonly node: string
  /** Whether what arrives while it is paused is read in one piece afterwards; its readable high watermark is 1 then. */
  readonly gathers: boolean
  /** Whoever has not been greeted by then may dial once more, with this node as a silent one. Absent: there is no other. */
  readonly greetWithinMs?: number | undefined
}

/** Nothing answered. `message` names each node and its failure, for operators only. */
export class BrokerUnavailable extends Error {
  override readonly name = 'BrokerUnavailable'
  /** What can be said of all nodes; `unreachable` where they failed in different ways. */
  readonly failure: BrokerFailure

  constructor(message: string, failure: BrokerFailure) {
    super(message)
    this.failure = failure
  }

  static from(error: unknown): BrokerUnavailable {
    return error instanceof BrokerUnavailable ? error : new BrokerUnavailable(String(error), 'other')
  }

  /** Several nodes were tried, and this is why each of them failed. */
  static ofAll(failures: readonly BrokerUnavailable[]): BrokerUnavailable {
    const [only] = failures
    if (only === undefined) return new BrokerUnavailable('no time left to dial', 'timeout')
    if (failures.length === 1) return only
    return new BrokerUnavailable(
      failures.map(({ message }) => message).join('; '),
      commonFailure(failures.map(({ failure }) => failure)),
    )
  }
}

/** How a dial under way is given up. An `AbortSignal` would serve, but each is an event target with an object shape of its own. */
export class GiveUp {
  #isGivenUp = false
  /** Ends the attempt that is under way; set by the dial. */
  onGivenUp: (() => void) | undefined

  get isGivenUp(): boolean {
    return this.#isGivenUp
  }

  now(): void {
    this.#isGivenUp = true
    this.onGivenUp?.()
  }
}

/**
 * The first of these that answers, each tried once, all within one deadline.
 * @throws BrokerUnavailable when none did, or when it was given up
 */
export async function dialInTurn(
  diallers: readonly Pick<Dialler, 'dial'>[],
  { clientAddress, timeoutMs, giveUp }: DialRequest,
): Promise<Dialled> {
  const failures: BrokerUnavailable[] = []
  const endsAt = performance.now() + timeoutMs
  for (const [at, dialler] of diallers.entries()) {
    const left = endsAt - performance.now()
    if (left <= 0 || giveUp.isGivenUp) break
    // The last one may use all that is left; the others leave something for those behind them.
    const budget = Math.min(ATTEMPT_MS, at === diallers.length - 1 ? left : left / 2)
    try {
      return await dialler.dial({ clientAddress, timeoutMs: budget, giveUp })
    } catch (error) {
      failures.push(BrokerUnavailable.from(error))
    }
  }
  throw BrokerUnavailable.ofAll(failures)
}

/** For sessions that are refused in band: there is no broker behind them. */
export const NO_BROKER: Dialler = {
  hosts: [],
  dial: () => Promise.reject(new BrokerUnavailable('there is no broker', 'other')),
}
