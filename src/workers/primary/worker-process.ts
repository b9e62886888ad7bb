/** One worker, as the primary has it: the process, the line to it, and how much it has to do. */
import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../../config/environment.ts'
import type { Lines } from '../../ops/log.ts'
import { ProcessLine } from '../process-line.ts'
import type { Taker } from './hand-off.ts'
import { UnderWay } from './under-way.ts'
import { passLines } from './worker-lines.ts'

/** What is left in the pipe of an ended worker is read for so long. */
const LAST_LINES_MS = 2_000

/** Both in sources, as tsx or Node itself runs them, and built. */
const PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../program.ts' : '../program.js', import.meta.url),
)

export interface WorkerOptions {
  readonly env: Environment
  /** Where the lines of its log go. */
  readonly lines: Lines
}

export class WorkerProcess implements Taker {
  /** From 1. One that takes the place of another has its number; 0: it waits for a place. */
  number = 0
  readonly channel: ProcessLine
  /** RFC 3339 in UTC. */
  readonly startedAt = new Date().toISOString()
  /** Resolves with why, once it is gone and its last lines are written. */
  readonly ended: Promise<string>
  /** Whether connections may be given to it. */
  isServing = false
  /** Whether it was asked for its counts, and has not answered. */
  isCounting = false
  readonly #child: ChildProcess
  #connectionCount = 0
  #killedFor: string | undefined
  readonly #underWay = new UnderWay()

  constructor({ env, lines }: WorkerOptions) {
    // A debugger of the primary has its port already.
    const execArgv = process.execArgv.filter((option) => !option.startsWith('--inspect'))
    this.#child = fork(PROGRAM, [], { execArgv, env: { ...env }, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    this.channel = new ProcessLine(lineEnd(this.#child))
    this.ended = this.#whenEnded(lines)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Heeds how much it has to do, and calls back with each change. */
  follow(changed: () => void): void {
    this.channel.heed('status', ({ taken, connections }) => {
      this.#connectionCount = connections
      this.#underWay.over(taken)
      changed()
    })
  }

  get underWay(): number {
    return this.#underWay.count
  }

  get load(): number {
    return this.#connectionCount + this.underWay
  }

  hand(socket: Socket, at: number, listener: () => number | undefined): void {
    const handed = this.#underWay.add(socket, listener)
    this.channel.hand(socket, { listener: at, number: handed.number }, (error) => {
      handed.isSent = error === null
    })
  }

  /** To be called before a question; its answer comes behind the arrival of all sockets that were handed over before. */
  asked(): () => void {
    const { lastNumber } = this.#underWay
    return () => this.#underWay.over(lastNumber)
  }

  /** Sockets that it never got. Called once it has ended. */
  takeBack(): ReturnType<UnderWay['takeBack']> {
    return this.#underWay.takeBack()
  }

  /** @param why for the log; otherwise it says the signal */
  kill(why?: string): void {
    this.isServing = false
    this.#killedFor ??= why
    this.#child.kill('SIGKILL')
  }

  async #whenEnded(lines: Lines): Promise<string> {
    const { stdout } = this.#child
    const passed = stdout === null ? undefined : passLines(stdout, lines).catch(() => undefined)
    const why = await new Promise<string>((resolve) => {
      this.#child.on('error', (error) => resolve(error.message))
      this.#child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `ended by ${signal}`))
    })
    this.isServing = false
    const late = new Promise((resolve) => setTimeout(resolve, LAST_LINES_MS).unref())
    await Promise.race([passed, late])
    stdout?.destroy()
    // Node says nothing of the end of the line while a socket is under way.
    this.channel.lost()
    if (this.#child.connected) this.#child.disconnect()
    return this.#killedFor ?? why
  }
}

function lineEnd(child: ChildProcess): ConstructorParameters<typeof ProcessLine>[0] {
  return {
    get connected() {
      return child.connected
    },
    // Node would never close what it keeps itself of a socket that a killed worker has not acknowledged.
    send: (message, handle, sent) => child.send(message as object, handle, { keepOpen: true }, sent),
    on: (event: string, listener: (...args: never[]) => void) =>
      child.on(event, listener as (...args: unknown[]) => void),
  }
}
