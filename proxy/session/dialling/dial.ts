/**
 * Opening the broker's socket: the URLs in turn, TCP or verified TLS, PROXY protocol first where it is asked for, all
 * within one deadline. Not a byte of AMQP is written here, and nothing is retried: the next session tries again.
 */
import { isIP, type Socket, type TcpNetConnectOpts, connect as tcpConnect } from 'node:net'
import type { DuplexOptions } from 'node:stream'
import { connect as tlsConnect } from 'node:tls'
import type { BrokerTarget, BrokerUrl } from '../ports.ts'
import { type BrokerFailure, commonFailure, errorText } from './broker-failure.ts'
import { proxyHeader } from './proxy-protocol.ts'

/** No single URL may use up the deadline of all. */
const ATTEMPT_MS = 5000

/** A socket that is paused takes one chunk more from the operating system, and then no more: see `BrokerReads`. */
const TCP_OPTIONS: Partial<TcpNetConnectOpts> & DuplexOptions = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 15_000,
  readableHighWaterMark: 1,
  // What Node would set by itself, on a copy of these: each key that is new to a copy is a new shape to V8, for each socket.
  allowHalfOpen: false,
  emitClose: false,
  autoDestroy: true,
  decodeStrings: false,
}

export interface Dialled {
  readonly socket: Socket
  readonly url: BrokerUrl
}

/** Nothing answered. `message` names each URL and its failure, for operators only. */
export class BrokerUnavailable extends Error {
  override readonly name = 'BrokerUnavailable'
  /** What can be said of all URLs; `unreachable` where they failed in different ways. */
  readonly failure: BrokerFailure

  constructor(message: string, failure: BrokerFailure) {
    super(message)
    this.failure = failure
  }
}

/** One URL did not answer, and at which step. */
class AttemptFailed extends Error {
  override readonly name = 'AttemptFailed'
  readonly failure: BrokerFailure

  constructor(message: string, failure: BrokerFailure, cause?: unknown) {
    super(message, { cause })
    this.failure = failure
  }
}

/** `amqps://host:port`, as operators read it. */
export function urlText(url: BrokerUrl): string {
  return `${url.tls ? 'amqps' : 'amqp'}://${url.host.includes(':') ? `[${url.host}]` : url.host}:${url.port}`
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
 * Connects to the first URL that answers.
 * @param clientAddress the source that PROXY protocol announces
 * @throws BrokerUnavailable when none did within `timeoutMs`, or when it was given up
 */
export async function dial(
  target: BrokerTarget,
  clientAddress: string,
  timeoutMs: number,
  giveUp: GiveUp = new GiveUp(),
): Promise<Dialled> {
  const failures: { text: string; failure: BrokerFailure }[] = []
  const endsAt = performance.now() + timeoutMs
  for (const [at, url] of target.urls.entries()) {
    const left = endsAt - performance.now()
    if (left <= 0 || giveUp.isGivenUp) break
    // The last URL may use all that is left; the others leave something for those behind them.
    const budget = Math.min(ATTEMPT_MS, at === target.urls.length - 1 ? left : left / 2)
    try {
      return { socket: await attempt(target, url, clientAddress, budget, giveUp), url }
    } catch (error) {
      const failure = error instanceof AttemptFailed ? error.failure : 'unreachable'
      failures.push({ text: `${urlText(url)}: ${errorText(error)}`, failure })
    }
  }
  if (failures.length === 0) throw new BrokerUnavailable('no time left to dial', 'timeout')
  throw new BrokerUnavailable(
    failures.map(({ text }) => text).join('; '),
    commonFailure(failures.map(({ failure }) => failure)),
  )
}

function attempt(
  target: BrokerTarget,
  url: BrokerUrl,
  clientAddress: string,
  timeoutMs: number,
  giveUp: GiveUp,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const tcp = tcpConnect({ host: url.host, port: url.port, ...TCP_OPTIONS })
    let socket: Socket = tcp
    let step: BrokerFailure = 'unreachable'
    const expired = () => fail(new AttemptFailed(`no answer within ${Math.round(timeoutMs)} ms`, 'timeout'))
    const timer = setTimeout(expired, timeoutMs)
    const settle = () => {
      clearTimeout(timer)
      giveUp.onGivenUp = undefined
      for (const end of [tcp, socket]) end.removeListener('error', fail).removeListener('close', closed)
    }
    const fail = (error: Error) => {
      settle()
      for (const end of [tcp, socket]) end.on('error', () => undefined).destroy()
      reject(error instanceof AttemptFailed ? error : new AttemptFailed(errorText(error), step, error))
    }
    const closed = () => fail(new Error('closed before it was ready'))
    const ready = () => {
      settle()
      // What TLS runs over may still fail by itself; the session hears of it by the TLS socket's end.
      if (socket !== tcp) tcp.on('error', () => undefined)
      resolve(socket)
    }
    giveUp.onGivenUp = () => fail(new Error('given up'))
    tcp.on('error', fail).on('close', closed)
    tcp.once('connect', () => {
      if (target.proxyProtocol) tcp.write(proxyHeader(clientAddress, tcp))
      if (!url.tls) return ready()
      step = 'tls'
      const tls = target.tls ?? {}
      const serverName = tls.serverName ?? url.host
      socket = tlsConnect({
        socket: tcp,
        // The name that the certificate must bear; as SNI only where it is a name.
        host: serverName,
        ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
        ...(tls.ca ? { ca: tls.ca } : {}),
        ...(tls.cert ? { cert: tls.cert } : {}),
        ...(tls.key ? { key: tls.key } : {}),
      })
      socket.on('error', fail).on('close', closed)
      return socket.once('secureConnect', ready)
    })
  })
}
