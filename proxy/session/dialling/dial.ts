/**
 * Opening a broker node's socket: TCP or verified TLS, PROXY protocol first where it is asked for, within one deadline.
 * Not a byte of AMQP is written here, and nothing is retried: the next session tries again.
 */
import { isIP, type Socket, type TcpNetConnectOpts, connect as tcpConnect } from 'node:net'
import type { DuplexOptions } from 'node:stream'
import { createSecureContext, type SecureContext, connect as tlsConnect } from 'node:tls'
import type { BrokerTarget, BrokerUrl } from '../ports.ts'
import { type BrokerFailure, errorText } from './broker-failure.ts'
import { BrokerUnavailable, type Dialled, type Dialler, type DialRequest } from './dialler.ts'
import { proxyHeader } from './proxy-protocol.ts'

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

/** How every node of a broker is reached. */
type NodeTarget = Pick<BrokerTarget, 'tls' | 'proxyProtocol'>

/** The node did not answer, and at which step. */
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

/** One node, over TCP or verified TLS, with the PROXY protocol's header first where it is asked for. */
export class TcpDialler implements Dialler {
  readonly node: string
  readonly hosts: readonly string[]
  readonly #url: BrokerUrl
  readonly #target: NodeTarget
  #secureContext: SecureContext | undefined

  constructor(url: BrokerUrl, target: NodeTarget) {
    this.#url = url
    this.#target = target
    this.node = urlText(url)
    this.hosts = [url.host]
  }

  /** A name is resolved for each dial, and each of its addresses is tried. */
  async dial(request: DialRequest): Promise<Dialled> {
    try {
      const stream = await attempt(this.#target, this.#url, this.#contextOfTls(), request)
      // TLS hands over what it has read record by record.
      return { stream, node: this.node, gathers: !this.#url.tls }
    } catch (error) {
      throw this.#unavailable(error)
    }
  }

  /** Made once: to read certificates and key anew takes more than a millisecond of processor time. */
  #contextOfTls(): SecureContext | undefined {
    if (!this.#url.tls) return undefined
    const { ca, cert, key } = this.#target.tls ?? {}
    this.#secureContext ??= createSecureContext({ ca, cert, key, minVersion: 'TLSv1.2' })
    return this.#secureContext
  }

  #unavailable(error: unknown): BrokerUnavailable {
    const failure = error instanceof AttemptFailed ? error.failure : 'unreachable'
    return new BrokerUnavailable(`${this.node}: ${errorText(error)}`, failure)
  }
}

function attempt(
  target: NodeTarget,
  url: BrokerUrl,
  secureContext: SecureContext | undefined,
  { clientAddress, timeoutMs, giveUp }: DialRequest,
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
      if (secureContext === undefined) return ready()
      step = 'tls'
      const serverName = target.tls?.serverName ?? url.host
      socket = tlsConnect({
        socket: tcp,
        // The name that the certificate must bear; as SNI only where it is a name.
        host: serverName,
        ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
        secureContext,
        rejectUnauthorized: true,
      })
      socket.on('error', fail).on('close', closed)
      return socket.once('secureConnect', ready)
    })
  })
}
