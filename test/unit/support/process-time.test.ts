/** The processor time that benchmarks tell, of processes as the system shows them, and of those that end meanwhile. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { processorMicroseconds } from '../../bench/process.ts'

describe('processor time', () => {
  let proc: string

  beforeEach(() => {
    proc = mkdtempSync(join(tmpdir(), 'gatehouse-proc-'))
  })
  afterEach(() => rmSync(proc, { recursive: true, force: true }))

  function addProcess(pid: number): void {
    mkdirSync(join(proc, `${pid}/task`), { recursive: true })
    writeFileSync(join(proc, `${pid}/stat`), `${pid} (a) name) ${'0 '.repeat(50)}`)
  }

  function addThread(pid: number, thread: number, microseconds: number, children = ''): void {
    const folder = join(proc, `${pid}/task/${thread}`)
    mkdirSync(folder)
    writeFileSync(join(folder, 'schedstat'), `${microseconds * 1000} 5 7\n`)
    writeFileSync(join(folder, 'children'), children)
  }

  it('is that of all threads and of the children they started', () => {
    addProcess(1)
    addThread(1, 1, 100)
    addThread(1, 2, 20, '3 ')
    addProcess(3)
    addThread(3, 3, 4)
    assert.equal(processorMicroseconds(1, proc), 124)
  })

  it('leaves out threads and children that end while they are counted', () => {
    addProcess(1)
    addThread(1, 1, 100, '4 5 ')
    // Listed, and gone when it is read; so is a process without a `stat`.
    symlinkSync(join(proc, 'gone'), join(proc, '1/task/2'))
    mkdirSync(join(proc, '4/task'), { recursive: true })
    assert.equal(processorMicroseconds(1, proc), 100)
  })

  it('is an error where the process itself is not there', () => {
    assert.throws(() => processorMicroseconds(1, proc), { code: 'ENOENT' })
  })

  it('grows with work', () => {
    const before = processorMicroseconds(process.pid)
    const untilMs = performance.now() + 20
    while (performance.now() < untilMs) Math.random()
    assert.ok(processorMicroseconds(process.pid) > before)
  })
})
