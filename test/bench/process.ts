/** What the operating system says of a process: processor time and memory. Linux only, where benchmarks are run. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Processor time of a process and all its threads so far, user and system, in microseconds; to 10 ms. */
export function processorMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')
  const main = Number(stat[0])
  // schedstat counts nanoseconds of the main thread only; stat counts ticks of all threads.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const ticks = Number(fields[11]) + Number(fields[12])
  return Math.max((ticks * 1_000_000) / TICKS_PER_SECOND, main / 1000)
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) * 1024
}
