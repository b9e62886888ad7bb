/** Starts a gateway in a process of its own and asks it how it fares: memory, delay of the event loop, counters. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import type { ConfigInput } from '../../src/gateway.ts'
import { within } from './until.ts'

/** What a gateway is asked; `collects`: garbage first. */
export interface Question {
  readonly collects: boolean
}

export interface Fare {
  /** Since the last question. */
  readonly longestDelayMs: number
  readonly residentBytes: number
  /** Objects in use. */
  readonly heapBytes: number
  /** Buffers in use, the allocator's spare ones included. */
  readonly bufferBytes: number
  readonly descriptors: number
  /** User and system, since its start. */
  readonly processorMs: number
}

interface Addresses {
  readonly url: string
  readonly adminUrl: string
}

export class MeasuredGateway {
  readonly pid: number
  /** `ws://127.0.0.1:…`, without a path. */
  readonly url: string
  readonly adminUrl: string
  readonly #child: ChildProcess

  constructor(child: ChildProcess, addresses: Addresses) {
    this.#child = child
    this.pid = child.pid as number
    this.url = addresses.url
    this.adminUrl = addresses.adminUrl
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** @throws when it is dead, or deaf for half a minute */
  async fare(question: Question = { collects: true }): Promise<Fare> {
    const answered = once(this.#child, 'message')
    this.#child.send(question)
    const [told] = (await within(answered, 'what the gateway says of itself', 30_000)) as [Fare]
    return told
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

/** @param priority the process's nice value; below 0 for administrators only, where it is left out otherwise */
export async function startMeasuredGateway(config: ConfigInput, priority = 0): Promise<MeasuredGateway> {
  const child = fork(new URL('measured-gateway-program.ts', import.meta.url), {
    execArgv: ['--expose-gc', '--import', 'tsx'],
  })
  child.send(config)
  const [addresses] = (await within(once(child, 'message'), 'the gateway', 30_000)) as [Addresses]
  if (priority >= 0 || process.getuid?.() === 0) setPriority(child.pid as number, priority)
  return new MeasuredGateway(child, addresses)
}
