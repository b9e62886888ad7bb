/** The command `gatehouse` as a process of its own, run from the sources; ended with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { SOURCE_OPTIONS } from './source-options.ts'
import { until, within } from './until.ts'

const root = join(import.meta.dirname, '../..')

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class CommandProcess {
  readonly #child: ChildProcess
  readonly #exit: Promise<Exit>
  #stdout = ''
  #stderr = ''

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    const path = process.env['PATH'] ?? ''
    this.#child = spawn(process.execPath, [...SOURCE_OPTIONS, join(root, 'src/main.ts'), ...args], {
      cwd: root,
      env: { PATH: path, ...env },
      stdio: 'pipe',
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#exit = once(this.#child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }))
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('not started')
    return this.#child.pid
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  get stdin(): Writable {
    if (this.#child.stdin === null) throw new Error('no standard input')
    return this.#child.stdin
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The events of the log so far. @throws where a line of standard output is no JSON */
  events(): readonly { readonly event: string; readonly [field: string]: unknown }[] {
    const lines = this.#stdout.split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as { event: string })
  }

  /** The first event of that name, as soon as it is there. */
  async event(name: string) {
    return await until(
      () => {
        if (!this.isRunning) throw new Error(`ended: ${this.#stderr}`)
        return this.events().find(({ event }) => event === name)
      },
      name,
      30_000,
    )
  }

  /** Where the gateway listens: `ws://127.0.0.1:…`. */
  async url(): Promise<string> {
    return String((await this.event('gateway-started'))['url'])
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Stops reading its output. */
  closeStdout(): void {
    this.#child.stdout?.destroy()
  }

  async exit(): Promise<Exit> {
    return await within(this.#exit, 'the end of the process', 30_000)
  }

  /** Ends it whatever it does. */
  async kill(): Promise<void> {
    if (this.isRunning) this.#child.kill('SIGKILL')
    await this.exit()
  }
}
