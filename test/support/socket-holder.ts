/** A listening socket on loopback that several gateway processes share, one after the other; ended with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { Order, Told } from './socket-holder-program.ts'
import { SOURCE_OPTIONS } from './source-options.ts'
import { until } from './until.ts'

const PROGRAM = join(import.meta.dirname, 'socket-holder-program.ts')
/** A process starts in a second; on a machine that is busy, in many. */
const START_DEADLINE_MS = 60_000

export class SocketHolder {
  readonly port: number
  readonly #child: ChildProcess
  readonly #outputs = new Map<string, string>()
  readonly #codes = new Map<string, number | null>()

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#child = child
    child.on('message', (told: Told) => {
      if ('text' in told) this.#outputs.set(told.from, this.output(told.from) + told.text)
      else this.#codes.set(told.from, told.code)
    })
  }

  static async start(): Promise<SocketHolder> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const child = spawn(process.execPath, [...SOURCE_OPTIONS, PROGRAM], {
      stdio: ['ignore', 'inherit', 'inherit', descriptorOf(server), 'ipc'],
    })
    await once(child, 'spawn')
    // The child has it now; nobody may take a connection here.
    server.close()
    return new SocketHolder(port, child)
  }

  /** Starts `gatehouse` with the socket, under a name of the test's. */
  launch(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
    this.#order({ start: name, args, env })
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.#order({ signal, to: name })
  }

  output(name: string): string {
    return this.#outputs.get(name) ?? ''
  }

  /** Resolves when the log has a line of the event. */
  async event(name: string, event: string): Promise<void> {
    await until(
      () => {
        if (this.#codes.has(name)) throw new Error(`${name} ended: ${this.output(name)}`)
        return this.output(name).includes(`"event":"${event}"`)
      },
      `${event} of ${name}`,
      START_DEADLINE_MS,
    )
  }

  /** The exit code, once it has ended. */
  async code(name: string): Promise<number | null> {
    await until(() => this.#codes.has(name), `the end of ${name}`, START_DEADLINE_MS)
    return this.#codes.get(name) ?? null
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }

  #order(order: Order): void {
    this.#child.send(order)
  }
}

/** Node hands over streams of its own only, and a server is none. */
function descriptorOf(server: Server): number {
  const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd: number } }
  return handle.fd
}
