/** The frames of recorded bytes, and waiting for one of them. */
import { FRAME_METHOD } from '../../proxy/codec/frame.ts'
import { FrameReader } from '../../proxy/codec/frame-reader.ts'
import { checkShape, decodeMethod, METHOD_NAMES, methodIndexAt } from '../../proxy/codec/method.ts'
import type { Fields, MethodName } from '../../proxy/codec/spec.ts'

/** A frame as a test sees it: methods by name and fields, everything else by its payload. */
export interface SeenFrame {
  readonly type: number
  readonly channel: number
  readonly name: MethodName | undefined
  readonly fields: Record<string, unknown>
  readonly payload: Buffer
}

/** Cuts recorded bytes into frames. */
export class Transcript {
  readonly frames: SeenFrame[] = []
  readonly #reader = new FrameReader(0xffff_ffff)
  readonly #waiting: {
    matches: () => SeenFrame | undefined
    resolve: (frame: SeenFrame) => void
    reject: (error: Error) => void
  }[] = []
  #endedBy: string | undefined
  bytes: Buffer = Buffer.alloc(0)
  header: Buffer | undefined
  readonly #expectsHeader: boolean
  #taken = 0

  constructor(expectsHeader: boolean) {
    this.#expectsHeader = expectsHeader
  }

  add(chunk: Buffer): SeenFrame[] {
    this.bytes = Buffer.concat([this.bytes, chunk])
    this.#reader.push(Buffer.from(chunk))
    if (this.#expectsHeader && this.header === undefined) this.header = this.#reader.header()
    const fresh: SeenFrame[] = []
    while ((!this.#expectsHeader || this.header !== undefined) && this.#reader.next()) fresh.push(seen(this.#reader))
    this.frames.push(...fresh)
    for (const waiting of [...this.#waiting]) {
      const found = waiting.matches()
      if (found === undefined) continue
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      waiting.resolve(found)
    }
    return fresh
  }

  /** Nothing comes any more: whoever waits is told why. */
  end(why: string): void {
    this.#endedBy = why
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(why))
  }

  /** The next frame of this method that was not asked for before, seen or to come. */
  async method<M extends MethodName>(name: M): Promise<SeenFrame & { fields: Fields<M> }> {
    return (await this.#next(name, (frame) => frame.name === name)) as SeenFrame & { fields: Fields<M> }
  }

  /** The next frame of one of these methods that was not asked for before, seen or to come. */
  async oneOf(names: readonly MethodName[]): Promise<SeenFrame> {
    return await this.#next(names.join(' or '), ({ name }) => name !== undefined && names.includes(name))
  }

  /** The next frame of this type that was not asked for before, seen or to come. */
  async frame(type: number): Promise<SeenFrame> {
    return this.#next(`frame of type ${type}`, (frame) => frame.type === type)
  }

  async #next(what: string, wanted: (frame: SeenFrame) => boolean): Promise<SeenFrame> {
    const matches = (): SeenFrame | undefined => {
      const at = this.frames.findIndex((frame, index) => index >= this.#taken && wanted(frame))
      if (at === -1) return undefined
      this.#taken = at + 1
      return this.frames[at]
    }
    const found = matches()
    if (found !== undefined) return found
    if (this.#endedBy !== undefined) throw new Error(`${this.#endedBy} before ${what}`)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${what} came; seen: ${this.names().join(' ')}`)), 5000)
      this.#waiting.push({
        matches,
        resolve: (frame) => {
          clearTimeout(timer)
          resolve(frame)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
    })
  }

  names(): string[] {
    return this.frames.map((frame) => frame.name ?? `frame ${frame.type}`)
  }
}

function seen(reader: FrameReader): SeenFrame {
  const payload = Buffer.from(reader.buffer.subarray(reader.payloadStart, reader.payloadEnd))
  const index = reader.type === FRAME_METHOD ? methodIndexAt(payload, 0, payload.length) : -1
  const name = METHOD_NAMES[index]
  const fields = name === undefined ? {} : decodeMethod(name, payload, 4, payload.length, checkShape)
  return { type: reader.type, channel: reader.channel, name, fields, payload }
}
