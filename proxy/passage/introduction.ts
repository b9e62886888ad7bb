/**
 * The beginning of a passage, up to the client's `start-ok`: the client's header and its `start-ok`, the gateway's `start`.
 * Each side is read here to that point and no further; what arrived behind it is kept for the lanes. [AMQP §2.2.4]
 */
import { PROTOCOL_HEADER } from '../codec/frame.ts'
import { FrameReader } from '../codec/frame-reader.ts'
import { decodeMethod, METHOD_IDS_BYTES, METHOD_NAMES, methodFrame, methodIndexAt } from '../codec/method.ts'
import type { MethodName } from '../codec/spec.ts'
import { ConnectionFault } from '../faults.ts'
import { type LocalLogin, localLogin } from './local-login.ts'

/** A client's `start-ok` carries its properties and a password; a broker's `start` its own. */
const FRAME_BYTES = 64 * 1024

/** Read but not answered: one chunk of the socket's, and the rest of another. */
const KEPT_BYTES = 1024 * 1024

export interface Introduced {
  /** A whole frame without the local password: it proves nothing to anybody else. */
  readonly startOk: Buffer
  readonly login: LocalLogin
}

/** What the client has done so far. */
export type ClientStep = 'more' | 'header' | 'not-amqp' | 'left' | Introduced

export class ClientIntroduction {
  readonly #reader = new FrameReader(FRAME_BYTES)
  #hasHeader = false
  #isOver = false
  #rest: Buffer[] = []
  #restBytes = 0

  /**
   * Takes bytes; ask again, with none, after `header`.
   * @throws ConnectionFault for what may not come now
   */
  take(chunk: Buffer): ClientStep {
    if (this.#isOver) return this.#keep(chunk)
    this.#reader.push(chunk)
    if (!this.#hasHeader) {
      const header = this.#reader.header()
      if (header === undefined) return 'more'
      if (!header.equals(PROTOCOL_HEADER)) return 'not-amqp'
      this.#hasHeader = true
      return 'header'
    }
    if (!this.#reader.next()) return 'more'
    const method = methodOf(this.#reader)
    if (method === 'connection.close') return 'left'
    if (method !== 'connection.start-ok') throw new ConnectionFault('command-invalid', 'expected connection.start-ok')
    this.#isOver = true
    const { pendingBytes, buffer, payloadStart, payloadEnd } = this.#reader
    this.#keep(chunk.subarray(chunk.length - pendingBytes))
    const fields = decodeMethod(method, buffer, payloadStart + METHOD_IDS_BYTES, payloadEnd)
    const login = localLogin(fields)
    fields.response.fill(0)
    return { startOk: methodFrame(0, method, { ...fields, response: Buffer.alloc(0) }), login }
  }

  /** What arrived behind the `start-ok`, once. */
  rest(): readonly Buffer[] {
    const rest = this.#rest
    this.#rest = []
    return rest
  }

  #keep(chunk: Buffer): 'more' {
    if (chunk.length === 0) return 'more'
    this.#restBytes += chunk.length
    if (this.#restBytes > KEPT_BYTES) throw new ConnectionFault('unexpected-frame', 'too much before connection.tune')
    this.#rest.push(chunk)
    return 'more'
  }
}

export class GatewayIntroduction {
  readonly #reader = new FrameReader(FRAME_BYTES)

  /** The gateway's `start` as a whole frame, when it is there. @throws ConnectionFault where something else is */
  take(chunk: Buffer): Buffer | undefined {
    this.#reader.push(chunk)
    if (!this.#reader.next()) return undefined
    // A server waits for `start-ok`, and a passage that has let one through asks here no more.
    if (methodOf(this.#reader) !== 'connection.start' || this.#reader.pendingBytes > 0)
      throw new ConnectionFault('command-invalid', 'expected connection.start')
    const { buffer, frameStart, frameEnd } = this.#reader
    return buffer.subarray(frameStart, frameEnd)
  }
}

function methodOf({ channel, buffer, payloadStart, payloadEnd }: FrameReader): MethodName | undefined {
  return channel === 0 ? METHOD_NAMES[methodIndexAt(buffer, payloadStart, payloadEnd)] : undefined
}
