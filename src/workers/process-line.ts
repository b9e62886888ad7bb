/**
 * The line between the primary and one of its workers: messages of a closed set, questions among them that have a number, a
 * deadline and one answer. What one turn of the event loop says leaves in one piece, in order.
 */
import type { Socket } from 'node:net'
import { StateUnavailable } from '../../auth/index.ts'
import type { LineQuestions, Tellings } from './messages.ts'

/** One end of the line, as a process has it. */
export interface LineEnd {
  readonly connected: boolean
  /** A socket stays open here, too. */
  send(message: unknown, handle: Socket | undefined, sent: (error: Error | null) => void): unknown
  on(event: 'message', listener: (message: unknown, handle: unknown) => void): unknown
  on(event: 'disconnect', listener: () => void): unknown
}

/** What is said of a socket that is given away. */
export interface SaidOfSocket {
  readonly listener: number
  /** From 1, in order. */
  readonly number: number
}

/** Takes a socket that the other side gave away. Undefined where the client has gone meanwhile. */
export type Handed = (socket: Socket | undefined, said: SaidOfSocket) => void

/** The other side is gone, or has not answered in time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

type Question = keyof LineQuestions
type Telling = keyof Tellings
type Handler = (body: never) => unknown

/** What one piece is made of: something told, a question, its answer, or its failure. */
type Said =
  | readonly ['tell', name: string, body: unknown]
  | readonly ['ask', name: string, body: unknown, number: number]
  | readonly ['answer', number: number, body: unknown]
  | readonly ['failure', number: number, name: string, message: string]

interface Waiting {
  resolve(answer: never): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

/** A process that asks more than this at once is not going to be served by more questions. */
const MOST_WAITING = 20_000

const SOON_MS = 5

const LOST = 'the other process is gone'

export class ProcessLine {
  readonly #end: LineEnd
  readonly #questions = new Map<string, Handler>()
  readonly #tellings = new Map<string, Handler>()
  readonly #waiting = new Map<number, Waiting>()
  readonly #handed: Handed
  #number = 0
  #said: Said[] = []
  readonly #gathering: (() => void)[] = []
  /** What was said leaves in this turn. */
  #isLeaving = false
  #soon: NodeJS.Timeout | undefined

  constructor(end: LineEnd, handed: Handed = (socket) => socket?.destroy()) {
    this.#end = end
    this.#handed = handed
    end.on('message', (message, handle) => this.#received(message, handle))
    end.on('disconnect', () => this.lost())
  }

  /** Answers questions of this name from now on. What it throws is the failure that the other side gets. */
  answer<Q extends Question>(
    name: Q,
    handler: (body: LineQuestions[Q]['ask']) => LineQuestions[Q]['answer'] | Promise<LineQuestions[Q]['answer']>,
  ): void {
    this.#questions.set(name, handler)
  }

  /** Acts on what is told under this name from now on. */
  heed<T extends Telling>(name: T, handler: (body: Tellings[T]) => void): void {
    this.#tellings.set(name, handler)
  }

  tell<T extends Telling>(name: T, body: Tellings[T]): void {
    this.#say(['tell', name, body])
  }

  /** Whoever has something to tell that may wait for something else is asked for it whenever a piece leaves. */
  whenLeaving(gather: () => void): void {
    this.#gathering.push(gather)
  }

  /** A piece leaves within some milliseconds: each costs both sides more than what it says. */
  leaveSoon(): void {
    if (!this.#isLeaving) this.#soon ??= setTimeout(() => this.#flush(), SOON_MS)
  }

  /** A piece leaves in this turn. */
  leaveNow(): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    setImmediate(() => this.#flush())
  }

  /** @throws {NoAnswer} @throws {StateUnavailable} as the other side does @throws {Error} with its words, for any other failure */
  async ask<Q extends Question>(
    name: Q,
    body: LineQuestions[Q]['ask'],
    withinMs: number,
  ): Promise<LineQuestions[Q]['answer']> {
    if (!this.#end.connected) throw new NoAnswer(LOST)
    if (this.#waiting.size >= MOST_WAITING) throw new NoAnswer('too many questions wait for an answer')
    this.#number += 1
    const number = this.#number
    return await new Promise((resolve, reject) => {
      const late = (): void => {
        this.#waiting.delete(number)
        reject(new NoAnswer(`no answer within ${Math.round(withinMs)} ms`))
      }
      this.#waiting.set(number, { resolve, reject, timer: setTimeout(late, withinMs).unref() })
      this.#say(['ask', name, body, number])
    })
  }

  /**
   * Gives the other side a socket, behind everything that was said before. This side has it, too, until it destroys it.
   * @param sent called once the system has it, or cannot have it
   */
  hand(socket: Socket, said: SaidOfSocket, sent: (error: Error | null) => void): void {
    this.#flush()
    this.#end.send(said, socket, sent)
  }

  #say(said: Said): void {
    this.#said.push(said)
    this.leaveNow()
  }

  #flush(): void {
    const waited = this.#said
    this.#said = []
    this.#isLeaving = true
    for (const gather of this.#gathering) gather()
    this.#isLeaving = false
    clearTimeout(this.#soon)
    this.#soon = undefined
    // What was given back comes before what is asked for.
    const said = [...this.#said, ...waited]
    this.#said = []
    if (said.length === 0) return
    // Whoever waits for an answer finds out by the end of the line.
    if (this.#end.connected) this.#end.send(said, undefined, () => undefined)
  }

  #received(message: unknown, handle: unknown): void {
    if (Array.isArray(message)) for (const said of message as readonly Said[]) this.#heard(said)
    else this.#handed((handle ?? undefined) as Socket | undefined, message as SaidOfSocket)
  }

  #heard(said: Said): void {
    switch (said[0]) {
      case 'tell':
        this.#tellings.get(said[1])?.(said[2] as never)
        return
      case 'ask':
        void this.#answered(said[1], said[2], said[3])
        return
      case 'answer':
        this.#settle(said[1])?.resolve(said[2] as never)
        return
      case 'failure': {
        const [, number, name, message] = said
        this.#settle(number)?.reject(name === 'StateUnavailable' ? new StateUnavailable(message) : new Error(message))
      }
    }
  }

  async #answered(name: string, body: unknown, number: number): Promise<void> {
    try {
      const handler = this.#questions.get(name)
      if (handler === undefined) throw new Error(`nobody answers ${name}`)
      this.#say(['answer', number, await handler(body as never)])
    } catch (error) {
      const { name: kind, message } = error instanceof Error ? error : new Error(String(error))
      this.#say(['failure', number, kind, message])
    }
  }

  #settle(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number)
    this.#waiting.delete(number)
    clearTimeout(waiting?.timer)
    return waiting
  }

  /** The other side is gone: nobody waits for its answers any more. */
  lost(): void {
    for (const number of [...this.#waiting.keys()]) this.#settle(number)?.reject(new NoAnswer(LOST))
  }
}
