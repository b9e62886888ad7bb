/** What the operating system says of a process: processor time and memory. Linux only, where benchmarks are run. */
import { readdirSync, readFileSync } from 'node:fs'

/** Processor time of a process and all its threads so far, user and system, in microseconds. Threads that ended are left out. */
export function processorMicroseconds(pid: number): number {
  const tasks = `/proc/${pid}/task`
  // schedstat begins with the nanoseconds that one thread was on a processor.
  const nanoseconds = readdirSync(tasks).map((task) =>
    Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]),
  )
  return nanoseconds.reduce((sum, of) => sum + of, 0) / 1000
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) * 1024
}
