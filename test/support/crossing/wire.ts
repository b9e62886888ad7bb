/** Frames as the models of both peers see them, and the pipes they wait in until the network lets them arrive. */
import { encodeContentHeader } from '../../../proxy/codec/content.ts'
import { FRAME_BODY, FRAME_HEADER, frame } from '../../../proxy/codec/frame.ts'
import { FrameReader } from '../../../proxy/codec/frame-reader.ts'
import { checkShape, decodeMethod, METHOD_NAMES, methodFrame, methodIndexAt } from '../../../proxy/codec/method.ts'
import type { MethodName } from '../../../proxy/codec/spec.ts'

/** The channel that the models open and close; nothing else happens on it. */
export const CHANNEL = 1
export const TAG = 't'
/** Routing keys: of a publish that the gateway lets through, and of one that it refuses. */
export const ALLOWED = 'allowed'
export const REFUSED = 'refused'

export interface Seen {
  readonly name: MethodName | 'header' | 'body'
  readonly fields: Readonly<Record<string, unknown>>
  readonly bytes: Buffer
}

export const CLOSE = { replyCode: 404, replyText: 'NOT_FOUND', classId: 60, methodId: 40 }

/** The three frames of a content with a body of one byte. */
export function content(method: Buffer): [Buffer, Buffer, Buffer] {
  return [
    method,
    frame(FRAME_HEADER, CHANNEL, encodeContentHeader({ bodySize: 1 })),
    frame(FRAME_BODY, CHANNEL, Buffer.from('x')),
  ]
}

export function publish(routingKey: string): [Buffer, Buffer, Buffer] {
  return content(
    methodFrame(CHANNEL, 'basic.publish', { exchange: 'x', routingKey, mandatory: false, immediate: false }),
  )
}

export function delivery(): [Buffer, Buffer, Buffer] {
  return content(
    methodFrame(CHANNEL, 'basic.deliver', {
      consumerTag: TAG,
      deliveryTag: 1n,
      redelivered: false,
      exchange: 'x',
      routingKey: ALLOWED,
    }),
  )
}

/** One direction of one leg: what was written last arrives last, one frame at a time. */
export class Pipe {
  readonly frames: Seen[] = []
  readonly #reader = new FrameReader(0xffff)

  write(bytes: Buffer): void {
    this.#reader.push(Buffer.from(bytes))
    while (this.#reader.next()) this.frames.push(seen(this.#reader))
  }

  get isEmpty(): boolean {
    return this.frames.length === 0
  }

  /** The next frame to arrive. @throws Error where there is none */
  take(): Seen {
    const next = this.frames.shift()
    if (next === undefined) throw new Error('nothing is on its way')
    return next
  }

  toJSON(): unknown {
    return this.frames.map(({ name, fields }) => [name, fields['routingKey'], fields['replyCode']])
  }
}

function seen({ type, buffer, frameStart, frameEnd, payloadStart, payloadEnd }: FrameReader): Seen {
  const bytes = Buffer.from(buffer.subarray(frameStart, frameEnd))
  if (type === FRAME_HEADER) return { name: 'header', fields: {}, bytes }
  if (type === FRAME_BODY) return { name: 'body', fields: {}, bytes }
  const name = METHOD_NAMES[methodIndexAt(buffer, payloadStart, payloadEnd)]
  if (name === undefined) throw new Error('a frame of no method')
  return { name, fields: { ...decodeMethod(name, buffer, payloadStart + 4, payloadEnd, checkShape) }, bytes }
}

/** What must come next of a content: nothing but methods, its header, or its body. */
export type Awaits = 'method' | 'header' | 'body'

/** The order in which a peer must get the frames of a channel. [AMQP §4.2.6] */
export class Assembler {
  awaits: Awaits = 'method'

  /** @throws Error: 505, where the frame is out of order */
  take({ name }: Seen): void {
    const is: Awaits = name === 'header' || name === 'body' ? name : 'method'
    if (is !== this.awaits) throw new Error(`505 UNEXPECTED_FRAME: ${name} where ${this.awaits} was expected`)
    if (is === 'method') this.awaits = name === 'basic.publish' || name === 'basic.deliver' ? 'header' : 'method'
    else this.awaits = is === 'header' ? 'body' : 'method'
  }
}
