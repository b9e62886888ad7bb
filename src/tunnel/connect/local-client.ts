/**
 * One local client: its socket, its WebSocket to the gateway, and the passage between them. Here are the deadlines, the
 * bounds of what waits in memory, and the certainty that both sockets end.
 */
import type { Socket } from 'node:net'
import { ConnectionFault, type LocalLogin, Passage, type PassageEnd, type PassageHost } from '../../../proxy/index.ts'
import type { OutboundOwner, OutboundWebSocket } from '../../websocket/outbound.ts'
import type { Proof } from './login/login.ts'
import type { Way } from './way.ts'

/** A client that connects has AMQP to say. */
const HEADER_MS = 10_000
/** Then the client gets a `start`, gateway or not: less than clients wait for it. */
const START_MS = 4_000
/** From the client's first byte to `open-ok`. */
const OPENING_MS = 30_000
/** For the client's `close-ok`. */
const CLOSING_MS = 3_000
/** Clients close their socket when they have read everything; some are not done at once. */
const LINGER_MS = 2_000
/** For the last bytes to a client that does not read. */
const END_MS = 1_000
const HIGH_BYTES = 1024 * 1024

/** How it went, for whoever waits for it. */
export interface Farewell {
  readonly opened: boolean
  /** Why the client could not go on, in the words that it got. */
  readonly fault: ConnectionFault | undefined
  /** The socket was closed without AMQP's farewell. */
  readonly lost: boolean
}

export interface LocalClientOptions {
  readonly socket: Socket
  readonly way: Way
  /** Whether `admits` looks at the password. */
  readonly wantsPassword: boolean
  readonly admits: (login: LocalLogin) => boolean
  readonly note: (line: string) => void
  /** The gateway has taken a fresh proof. */
  readonly renewed: () => void
  /** Exactly once, when both sockets are gone. */
  readonly ended: (end: Farewell) => void
  /** For tests. */
  readonly openingMs?: number | undefined
}

export class LocalClient implements PassageHost, OutboundOwner {
  readonly #socket: Socket
  readonly #of: LocalClientOptions
  readonly #passage = new Passage(this)
  readonly #dialling = new AbortController()
  #gateway: OutboundWebSocket | undefined
  /** The one that the gateway took last. */
  #proof: Proof | undefined
  #fresh: Proof | undefined
  #fault: ConnectionFault | undefined
  #farewell: PassageEnd | undefined
  #isIntroduced = false
  #isHeld = false
  #isFull = false
  #isGone = false
  #hasEnded = false
  #deadline: NodeJS.Timeout
  #starting: NodeJS.Timeout | undefined

  constructor(options: LocalClientOptions) {
    const { socket } = options
    this.#of = options
    this.#socket = socket
    this.#deadline = setTimeout(() => socket.destroy(), HEADER_MS)
    socket.setNoDelay().setKeepAlive(true, 60_000)
    socket.on('data', (chunk) => this.#passage.fromClient(chunk))
    socket.on('drain', () => this.#gateway?.hold(false))
    socket.on('error', () => undefined)
    socket.on('close', () => this.#gone())
  }

  get wantsPassword(): boolean {
    return this.#of.wantsPassword
  }

  get isOpen(): boolean {
    return this.#passage.isOpen
  }

  /** A proof that takes the place of the one before. */
  renew(proof: Proof): void {
    this.#fresh = proof
    if (!this.isOpen || proof === this.#proof || proof.secret === undefined) return
    const secret = proof.secret.reveal()
    if (this.#passage.renew(secret)) this.#proof = proof
    else if (this.#farewell === undefined)
      this.#of.note('a connection cannot be renewed: the token is larger than the frames of its client')
    secret.fill(0)
  }

  /** Ends it from outside, in AMQP where it has begun to speak it. */
  end(explanation: string): void {
    if (!this.#isIntroduced) return this.destroy()
    this.#refuse(new ConnectionFault('connection-forced', explanation))
  }

  destroy(): void {
    this.#socket.destroy()
  }

  toClient(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes)
    if (this.#socket.writableLength > HIGH_BYTES) this.#gateway?.hold(true)
  }

  toGateway(bytes: Buffer): void {
    this.#gateway?.send(bytes)
  }

  introduced(): void {
    this.#isIntroduced = true
    this.#within(this.#of.openingMs ?? OPENING_MS, () => {
      // Where the client itself is late, it reads nothing.
      this.#within(CLOSING_MS, () => this.#socket.destroy())
      this.#refuse(new ConnectionFault('connection-forced', 'the session was not opened in time'))
    })
    this.#starting = setTimeout(() => this.#passage.startNow(), START_MS)
    void this.#dial()
  }

  admits(login: LocalLogin): boolean {
    const isAdmitted = this.#of.admits(login)
    if (!isAdmitted) this.#of.note('a client is refused: its password is not the one of --local-password-file')
    return isAdmitted
  }

  holdClient(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#readOrNot()
  }

  opened(): void {
    clearTimeout(this.#deadline)
    // It may have been dialled with the token before.
    if (this.#fresh !== undefined) setImmediate(() => this.#fresh && this.renew(this.#fresh))
  }

  renewed(): void {
    this.#of.renewed()
  }

  closing(): void {
    this.#within(CLOSING_MS, () => this.over('told'))
  }

  over(end: PassageEnd): void {
    if (this.#farewell !== undefined) return
    this.#farewell = end
    this.#gateway?.close()
    // What it still says is read and dropped: unread bytes would make a reset of the end.
    this.#isHeld = false
    this.#isFull = false
    this.#readOrNot()
    this.#within(end === 'closed' || end === 'told' ? LINGER_MS : 0, () => {
      this.#socket.end()
      this.#within(END_MS, () => this.#socket.destroy())
    })
  }

  message(bytes: Buffer): void {
    this.#passage.fromGateway(bytes)
  }

  full(isFull: boolean): void {
    this.#isFull = isFull
    this.#readOrNot()
  }

  closed(code: number): void {
    this.#gateway = undefined
    if (this.#isGone) return this.#finished()
    const why = code === 1006 ? 'the connection to the gateway is lost' : `the gateway closed the connection (${code})`
    this.#refuse(new ConnectionFault('connection-forced', why))
  }

  async #dial(): Promise<void> {
    try {
      const { socket, proof } = await this.#of.way.dial(this.#dialling.signal)
      this.#proof = proof
      this.#gateway = socket
      socket.attach(this)
      if (this.#isGone || this.#farewell !== undefined) socket.close()
      else this.#passage.gatewayIsThere()
    } catch (error) {
      if (this.#isGone) return
      if (!(error instanceof ConnectionFault)) this.#of.note(`internal error: ${String(error)}`)
      this.#refuse(
        error instanceof ConnectionFault
          ? error
          : new ConnectionFault('internal-error', 'an error of gatehouse connect'),
      )
    } finally {
      clearTimeout(this.#starting)
    }
  }

  #refuse(fault: ConnectionFault): void {
    if (this.#farewell !== undefined) return
    if (this.#fault === undefined) this.#of.note(`a client is told: ${fault.replyCode} ${fault.explanation}`)
    this.#fault ??= fault
    this.#passage.refuse(fault)
  }

  #readOrNot(): void {
    if (this.#isHeld || this.#isFull) this.#socket.pause()
    else this.#socket.resume()
  }

  #within(ms: number, late: () => void): void {
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(late, ms)
  }

  #gone(): void {
    this.#isGone = true
    clearTimeout(this.#deadline)
    clearTimeout(this.#starting)
    this.#dialling.abort()
    if (this.#gateway === undefined) this.#finished()
    else this.#gateway.close()
  }

  #finished(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const isLost = this.#farewell === undefined || this.#farewell === 'cut'
    this.#of.ended({ opened: this.isOpen, fault: this.#fault, lost: isLost })
  }
}
