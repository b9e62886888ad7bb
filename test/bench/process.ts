/** What the operating system says of a process: processor time and memory. Linux only, where benchmarks are run. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/**
 * Processor time of a process so far, user and system, in microseconds: of all its threads, of its children, and, to
 * 10 ms, of children that have ended. Threads that have ended are left out.
 */
export function processorMicroseconds(pid: number): number {
  let microseconds = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${task}`
    // schedstat begins with the nanoseconds that one thread was on a processor.
    microseconds += Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1000
    const children = readFileSync(`${folder}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    for (const child of children) if (existsSync(`/proc/${child}`)) microseconds += processorMicroseconds(child)
  }
  // Behind the name, which may hold anything: `cutime` and `cstime` are the 14th and 15th.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return microseconds + ((Number(fields[13]) + Number(fields[14])) * 1_000_000) / TICKS_PER_SECOND
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) * 1024
}
