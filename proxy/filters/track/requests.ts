/**
 * The requests of one session that the broker has not answered yet. The broker takes the methods of a channel one after the
 * other, and answers those of one kind in this order: so each answer belongs to the oldest request of its kind.
 */
import type { MethodView } from '../../codec/method.ts'
import type { FromBroker, MethodName } from '../../codec/spec.ts'

/** Most requests of one session that may await their answer: the client's next one waits. */
const AWAITED_MAX = 4096

export interface Request {
  /** Whether the client asked and wants the answer: otherwise the answer is the gateway's. */
  readonly isClients: boolean
  /** Whether the answer can be this request's. */
  fits(answer: MethodView): boolean
  done(answer: MethodView): void
  /** There will be no answer: the broker has closed the channel instead, and has not done it. */
  refused(): void
  /** There will be no answer: the broker was asked to close the channel next, and has done both. */
  closed(): void
}

type ByAnswer = Map<MethodName, Request[]>

export class Requests {
  /** Made when first needed. */
  #channels: Map<number, ByAnswer> | undefined
  #count = 0

  get isFull(): boolean {
    return this.#count >= AWAITED_MAX
  }

  add(channel: number, answer: FromBroker, request: Request): void {
    this.#channels ??= new Map()
    let byAnswer = this.#channels.get(channel)
    if (byAnswer === undefined) {
      byAnswer = new Map()
      this.#channels.set(channel, byAnswer)
    }
    const requests = byAnswer.get(answer)
    if (requests === undefined) byAnswer.set(answer, [request])
    else requests.push(request)
    this.#count += 1
  }

  /** The request that this is the answer to; undefined where nobody asked. */
  take(answer: MethodView): Request | undefined {
    const requests = this.#channels?.get(answer.channel)?.get(answer.name)
    const at = requests?.findIndex((request) => request.fits(answer)) ?? -1
    if (at === -1) return undefined
    this.#count -= 1
    return requests?.splice(at, 1)[0]
  }

  /** The broker answers nothing more on this channel. @returns what it has not answered */
  takeAll(channel: number): Request[] {
    const requests = [...(this.#channels?.get(channel)?.values() ?? [])].flat()
    this.#channels?.delete(channel)
    this.#count -= requests.length
    return requests
  }
}
