/** What the operating system says of a process: processor time and memory. Linux only, where benchmarks are run. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/**
 * Processor time of a process so far, user and system, in microseconds: of all its threads, of its children, and, to
 * 10 ms, of children that have ended. Threads that have ended, even while they are counted, are left out.
 * @param proc where the system shows its processes
 * @throws where there is no such process
 */
export function processorMicroseconds(pid: number, proc = '/proc'): number {
  let microseconds = 0
  for (const task of readdirSync(`${proc}/${pid}/task`)) {
    microseconds += zeroIfGone(() => threadMicroseconds(`${proc}/${pid}/task/${task}`, proc))
  }
  // Behind the name, which may hold anything: `cutime` and `cstime` are the 14th and 15th.
  const fields = readFileSync(`${proc}/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return microseconds + ((Number(fields[13]) + Number(fields[14])) * 1_000_000) / TICKS_PER_SECOND
}

/** One thread and the children that it started. */
function threadMicroseconds(folder: string, proc: string): number {
  // schedstat begins with the nanoseconds that the thread was on a processor.
  let microseconds = Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1000
  for (const child of readFileSync(`${folder}/children`, 'utf8').split(' ').filter(Boolean)) {
    microseconds += zeroIfGone(() => processorMicroseconds(Number(child), proc))
  }
  return microseconds
}

/** What is read of a thread or a process that may end meanwhile: before its file is opened, or before it is read. */
function zeroIfGone(read: () => number): number {
  try {
    return read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error
    return 0
  }
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) * 1024
}
