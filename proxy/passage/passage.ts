/**
 * One client that speaks AMQP over TCP, and its way to a gateway: bytes pass as they are. The passage speaks itself only
 * where nobody else does. It tells the client why there is no gateway, in AMQP and at a moment at which clients can read
 * it; and it renews the proof that the gateway took, which the client does not notice.
 *
 * No sockets and no clocks: the owner has both.
 */
import { PROTOCOL_HEADER } from '../codec/frame.ts'
import { methodFrame } from '../codec/method.ts'
import type { MethodName } from '../codec/spec.ts'
import { ConnectionFault } from '../faults.ts'
import { ClientIntroduction, type ClientStep, GatewayIntroduction, type Introduced } from './introduction.ts'
import { FrameLane } from './lane.ts'
import type { LocalLogin } from './local-login.ts'
import { ownStart, startForPasswords } from './own-start.ts'

export type { LocalLogin } from './local-login.ts'

/** How a passage ended. */
export type PassageEnd =
  /** By `connection.close` and its answer. */
  | 'closed'
  /** The client was told why it cannot go on. */
  | 'told'
  /** What arrived first was no AMQP 0-9-1. */
  | 'not-amqp'
  /** In the middle of a frame, where nothing can be told. */
  | 'cut'

export interface PassageHost {
  toClient(bytes: Buffer): void
  toGateway(bytes: Buffer): void
  /** The client speaks AMQP: now is the time to dial the gateway. */
  introduced(): void
  /** Whether `admits` looks at the password: then no mechanism is offered that shows none. */
  readonly wantsPassword: boolean
  /** Whether whoever is at the client may use the way. */
  admits(login: LocalLogin): boolean
  /** Nothing more is to be read from the client until it is called with false. */
  holdClient(isHeld: boolean): void
  /** The gateway has opened the session. */
  opened(): void
  /** The gateway has taken the renewed proof. */
  renewed(): void
  /** The end has begun: the client's answer is waited for, but not for ever. */
  closing(): void
  /** Nothing more will be written to either side. */
  over(end: PassageEnd): void
}

export class Passage {
  readonly #host: PassageHost
  readonly #client = new ClientIntroduction()
  readonly #gateway = new GatewayIntroduction()
  readonly #up: FrameLane
  readonly #down: FrameLane
  #phase: 'introduction' | 'passing' | 'closing' | 'over' = 'introduction'
  #clientHasStart = false
  #gatewayHasStarted = false
  #introduced: Introduced | undefined
  /** Why the client cannot go on, as long as it cannot be told. */
  #fault: ConnectionFault | undefined
  #isOpen = false
  /** Who has sent `connection.close`, and owes nothing but the answer. */
  #closedBy: 'client' | 'gateway' | undefined
  /** It is over as soon as the frame at hand has gone on. */
  #endsWith: PassageEnd | undefined
  #renewals = 0
  #frameMax = 0

  constructor(host: PassageHost) {
    this.#host = host
    this.#up = new FrameLane(
      (method, shown) => this.#fromClient(method, shown),
      (bytes) => {
        if (this.#phase === 'passing') host.toGateway(bytes)
      },
    )
    this.#down = new FrameLane(
      (method) => this.#fromGateway(method),
      (bytes) => host.toClient(bytes),
    )
  }

  /** Whether the gateway has opened the session. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Bytes from the client, cut anywhere. */
  fromClient(chunk: Buffer): void {
    if (this.#phase === 'over') return
    if (this.#phase === 'introduction') this.#introduce(chunk)
    else this.#up.push(chunk)
    this.#endIfDue()
  }

  /** Bytes from the gateway, cut anywhere. */
  fromGateway(chunk: Buffer): void {
    if (this.#phase === 'passing') {
      this.#down.push(chunk)
      this.#endIfDue()
    } else if (this.#phase === 'introduction' && this.#fault === undefined) {
      this.#meetGateway(chunk)
    }
  }

  /** There is a way to the gateway. */
  gatewayIsThere(): void {
    if (this.#phase === 'introduction') this.#host.toGateway(Buffer.from(PROTOCOL_HEADER))
  }

  /** The gateway takes its time: the client gets a `start` already, so that its own deadlines begin again. */
  startNow(): void {
    if (this.#phase !== 'introduction' || this.#clientHasStart) return
    this.#clientHasStart = true
    this.#host.toClient(ownStart())
  }

  /** There is no way, or none any more. The client reads why as soon as it can. */
  refuse(fault: ConnectionFault): void {
    if (this.#phase === 'introduction') {
      this.#fault ??= fault
      this.startNow()
      if (this.#introduced !== undefined) this.#tell(this.#fault)
    } else if (this.#phase === 'passing') {
      if (!this.#down.isBetweenFrames) this.#over('cut')
      else if (this.#closedBy === undefined) this.#tell(fault)
      else if (this.#closedBy === 'gateway') this.#close()
      else {
        // It asked for the end, and here it is: nobody else is left to say so.
        this.#host.toClient(methodFrame(0, 'connection.close-ok', {}))
        this.#over('closed')
      }
    }
  }

  /**
   * Shows the gateway a fresh proof of the same person.
   * @returns false where it cannot be shown: the session is not open, or the client's frames are too small for it
   */
  renew(secret: Buffer): boolean {
    if (!this.#isOpen || this.#phase !== 'passing' || this.#closedBy !== undefined) return false
    const frame = methodFrame(0, 'connection.update-secret', { newSecret: secret, reason: 'renewed' })
    if (this.#frameMax !== 0 && frame.length > this.#frameMax) return false
    this.#renewals += 1
    this.#up.insert(frame)
    return true
  }

  #introduce(chunk: Buffer): void {
    let step = this.#step(chunk)
    if (step === 'header') {
      this.#host.introduced()
      step = this.#step(Buffer.alloc(0))
    }
    if (step === 'more' || step === 'header') return
    if (step === 'not-amqp') {
      // The answer to another version is the one that is spoken here. [AMQP §4.2.2]
      this.#host.toClient(Buffer.from(PROTOCOL_HEADER))
      this.#over('not-amqp')
    } else if (step === 'left') {
      this.#host.toClient(methodFrame(0, 'connection.close-ok', {}))
      this.#over('closed')
    } else if (step instanceof ConnectionFault) {
      this.#tell(step)
    } else {
      this.#meetClient(step)
    }
  }

  #step(chunk: Buffer): ClientStep | ConnectionFault {
    try {
      return this.#client.take(chunk)
    } catch (error) {
      if (error instanceof ConnectionFault) return error
      throw error
    }
  }

  #meetClient(introduced: Introduced): void {
    this.#introduced = introduced
    const isAdmitted = this.#host.admits(introduced.login)
    introduced.login.password?.fill(0)
    if (!isAdmitted)
      this.#fault = new ConnectionFault('access-refused', 'the local password is not the one wanted here')
    if (this.#fault !== undefined) return this.#tell(this.#fault)
    this.#host.holdClient(true)
    this.#passOn()
  }

  #meetGateway(chunk: Buffer): void {
    let start: Buffer | undefined
    try {
      start = this.#gateway.take(chunk)
      if (start !== undefined && this.#host.wantsPassword) start = startForPasswords(start)
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error
      return this.refuse(new ConnectionFault('internal-error', 'what answers at the gateway does not speak AMQP 0-9-1'))
    }
    if (start === undefined) return
    this.#gatewayHasStarted = true
    if (!this.#clientHasStart) {
      this.#clientHasStart = true
      this.#host.toClient(start)
    }
    this.#passOn()
  }

  #passOn(): void {
    if (!this.#gatewayHasStarted || this.#introduced === undefined) return
    this.#phase = 'passing'
    this.#host.toGateway(this.#introduced.startOk)
    for (const chunk of this.#client.rest()) this.#up.push(chunk)
    this.#host.holdClient(false)
  }

  #fromClient(method: MethodName | undefined, shown: Buffer): boolean {
    if (method === 'connection.close-ok') {
      if (this.#phase === 'closing') this.#endsWith ??= 'told'
      else if (this.#closedBy === 'gateway') this.#endsWith ??= 'closed'
    } else if (method === 'connection.close') {
      this.#closedBy ??= 'client'
      if (this.#phase === 'closing') this.#host.toClient(methodFrame(0, 'connection.close-ok', {}))
    } else if (method === 'connection.tune-ok' && shown.length === SHOWN_OF_TUNE_OK) {
      this.#frameMax = shown.readUInt32BE(2)
    } else if (method === 'connection.update-secret') {
      // A password of this machine's: the gateway knows nothing of it.
      if (this.#phase === 'passing') this.#down.insert(methodFrame(0, 'connection.update-secret-ok', {}))
      return false
    }
    return true
  }

  #fromGateway(method: MethodName | undefined): boolean {
    if (method === 'connection.open-ok') {
      this.#isOpen = true
      this.#host.opened()
    } else if (method === 'connection.close') {
      this.#closedBy ??= 'gateway'
    } else if (method === 'connection.close-ok') {
      this.#endsWith ??= 'closed'
    } else if (method === 'connection.update-secret-ok' && this.#renewals > 0) {
      this.#renewals -= 1
      this.#host.renewed()
      return false
    }
    return true
  }

  #tell({ replyCode, replyText, caused }: ConnectionFault): void {
    this.#host.toClient(methodFrame(0, 'connection.close', { replyCode, replyText, ...caused }))
    this.#close()
    for (const chunk of this.#client.rest()) this.#up.push(chunk)
  }

  #close(): void {
    this.#phase = 'closing'
    this.#host.holdClient(false)
    this.#host.closing()
  }

  #endIfDue(): void {
    if (this.#endsWith !== undefined) this.#over(this.#endsWith)
  }

  #over(end: PassageEnd): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    this.#host.over(end)
  }
}

/** `channel-max` and `frame-max`. [AMQP connection.tune-ok] */
const SHOWN_OF_TUNE_OK = 6
