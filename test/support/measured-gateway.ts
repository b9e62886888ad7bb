/** Starts a gateway in a process of its own and measures it: memory, delay of the event loop, counters. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { ReloadReport } from '../../src/gateway/reloading/report.ts'
import type { ConfigInput } from '../../src/index.ts'
import { MALLOC_ENVIRONMENT, NODE_OPTIONS } from './node-options.ts'
import { SOURCE_OPTIONS } from './source-options.ts'
import { within } from './until.ts'

/** What a gateway is asked; `collects`: garbage first. */
export interface Question {
  readonly collects: boolean
  /** Puts this configuration into force before it answers. */
  readonly reload?: ConfigInput
}

/** What a gateway says of itself. */
export interface Measurement {
  /** Of the event loop, since the last question. */
  readonly longestDelayMs: number
  /** Of that, what its main thread was at work: the rest is the doing of others on the machine. */
  readonly longestOwnDelayMs: number
  /** How long it has waited for a processor, since its start. */
  readonly waitedMs: number
  readonly residentBytes: number
  /** Objects in use. */
  readonly heapBytes: number
  /** Buffers in use, the allocator's spare ones included. */
  readonly bufferBytes: number
  readonly descriptors: number
  /** User and system, since its start. */
  readonly processorMs: number
  /** What a reload that was asked for has done. */
  readonly reloaded?: ReloadReport | undefined
}

interface Addresses {
  readonly urls: readonly string[]
  readonly adminUrl: string
}

export class MeasuredGateway {
  readonly pid: number
  /** `ws://127.0.0.1:…`, without a path. */
  readonly url: string
  /** Of all listeners, in the order of the configuration; `url` is the first. */
  readonly urls: readonly string[]
  readonly adminUrl: string
  readonly #child: ChildProcess

  constructor(child: ChildProcess, addresses: Addresses) {
    this.#child = child
    this.pid = child.pid as number
    this.urls = addresses.urls
    this.url = addresses.urls[0] ?? ''
    this.adminUrl = addresses.adminUrl
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** @throws when it is dead, or deaf for half a minute */
  async measure(question: Question = { collects: true }): Promise<Measurement> {
    const answered = once(this.#child, 'message')
    this.#child.send(question)
    const [measurement] = (await within(answered, 'what the gateway says of itself', 30_000)) as [Measurement]
    return measurement
  }

  /** From now on `peakBytes` is the most that was resident since. Linux only. */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5')
  }

  /** The most that was resident at once. */
  peakBytes(): number {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))
    return Number(line?.[1] ?? 0) * 1024
  }

  /** Its counters so far, by name and labels as Prometheus writes them. */
  async counters(): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`${this.adminUrl}/metrics`)).text()
    const lines = text.split('\n').filter((line) => /^gatehouse_\w+_total\b/.test(line))
    return new Map(lines.map((line) => line.split(/ (?=\S+$)/) as [string, string]).map(([k, v]) => [k, Number(v)]))
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

export interface MeasuredOptions {
  /** What was built, as `gatehouse serve` runs it, and not the sources. */
  readonly built?: boolean
  /** Whether it measures how late its timers are, which takes a tenth of a slow processor; true when left out. */
  readonly watchesDelay?: boolean
  /** The process's nice value; below 0 for administrators only, and left out for others. */
  readonly priority?: number
  /** How many files it may have open; as many as we when left out. */
  readonly descriptors?: number
  /** Largest heap of old objects, in MiB; Node's own choice when left out. */
  readonly heapMib?: number
}

export async function startMeasuredGateway(
  config: ConfigInput,
  { built = false, watchesDelay = true, priority = 0, descriptors, heapMib }: MeasuredOptions = {},
): Promise<MeasuredGateway> {
  if (built && !existsSync(new URL('../../dist/src/index.js', import.meta.url))) {
    throw new Error('there is no build to measure: npm run build')
  }
  const program = fileURLToPath(new URL('measured-gateway-program.ts', import.meta.url))
  // The limit holds for both generations together, and versions of Node.js differ in what they give the young one.
  const heap = heapMib === undefined ? [] : [`--max-old-space-size=${heapMib}`, '--max-semi-space-size=4']
  const options = ['--expose-gc', ...(built ? NODE_OPTIONS : []), ...heap, ...SOURCE_OPTIONS]
  const words = [...(built ? ['built'] : []), ...(watchesDelay ? ['watches-delay'] : [])]
  const command = [process.execPath, ...options, program, ...words]
  // Node has no way to set a limit for a child; a shell that becomes the child has.
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors} && `
  const child = spawn('/bin/sh', ['-c', `${limit}exec "$0" "$@"`, ...command], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...(built ? MALLOC_ENVIRONMENT : {}) },
  })
  child.send(config)
  const [addresses] = (await within(once(child, 'message'), 'the gateway', 30_000)) as [Addresses]
  if (priority >= 0 || process.getuid?.() === 0) setPriority(child.pid as number, priority)
  return new MeasuredGateway(child, addresses)
}
