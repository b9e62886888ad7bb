import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { LogFields } from '../../../../src/ops/events.ts'
import { Log } from '../../../../src/ops/log.ts'
import { SOURCE_OPTIONS } from '../../../support/source-options.ts'

function logTo(lines: string[], nowMs = () => 0, level: 'debug' | 'info' = 'info'): Log {
  return new Log(level, { write: (line: string) => lines.push(line) }, nowMs)
}

describe('Log', () => {
  it('writes one JSON object on each line, with level, time and event', () => {
    const lines: string[] = []
    logTo(lines).write('session-ended', { session: 's1', durationMs: 12 })
    const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    assert.equal(lines[0]?.endsWith('\n'), true)
    assert.deepEqual(
      { ...line, time: '' },
      { level: 'info', time: '', event: 'session-ended', session: 's1', durationMs: 12 },
    )
    assert.match(String(line['time']), /^\d{4}-\d\d-\d\dT/)
  })

  it('leaves out what is no field', () => {
    const lines: string[] = []
    const smuggled = { subject: 'joe', password: 'welcome', authorization: 'Basic x' } as LogFields
    logTo(lines).write('authentication-refused', smuggled)
    assert.doesNotMatch(lines[0] ?? '', /welcome|Basic/)
  })

  it('escapes line breaks and terminal sequences, and cuts long texts', () => {
    const lines: string[] = []
    logTo(lines).write('authentication-refused', {
      subject: 'a\n{"level":"error"}\u001b[2J',
      detail: 'x'.repeat(10_000),
    })
    assert.equal(lines.length, 1)
    assert.equal(lines[0]?.indexOf('\n'), (lines[0]?.length ?? 0) - 1)
    assert.equal(lines[0]?.includes('\u001b'), false)
    assert.ok((lines[0]?.length ?? 0) < 600)
  })

  it('leaves a refused configuration whole: each mistake has its place, and a bound', () => {
    const lines: string[] = []
    const mistakes = Array.from(
      { length: 20 },
      (_, n) => `/etc/gatehouse/gatehouse.yaml:${n}:5: services[0].orgins: unknown key`,
    )
    const log = logTo(lines)
    log.write('reload-refused', { detail: mistakes.join('\n') })
    assert.equal((JSON.parse(lines[0] ?? '') as { readonly detail: string }).detail, mistakes.join('\n'))
    log.write('reload-refused', { detail: 'x'.repeat(100_000), file: 'y'.repeat(1_000) })
    assert.ok((lines[1]?.length ?? 0) < 9_000)
  })

  it('writes only so many lines of one event in ten seconds, then says how many were left out', () => {
    const lines: string[] = []
    let nowMs = 0
    const log = logTo(lines, () => nowMs)
    for (let n = 0; n < 5_000; n++) log.write('authentication-refused', { detail: String(n) })
    assert.equal(lines.length, 20)

    nowMs = 10_000
    log.write('authentication-refused', { detail: 'later' })
    const last = JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>
    assert.equal(last['suppressed'], 4_980)
  })

  it('limits each cause by itself: a flood of one hides no other', () => {
    const lines: string[] = []
    const log = logTo(lines, () => 0)
    for (let n = 0; n < 1_000; n++) log.write('request-refused', { cause: 'unknown-path' })
    log.write('request-refused', { cause: 'not-http' })
    assert.equal(lines.length, 21)
  })

  it('keeps to the level', () => {
    const lines: string[] = []
    logTo(lines).write('session-opened', {})
    logTo(lines, () => 0, 'debug').write('session-opened', {})
    assert.equal(lines.length, 1)
  })
})

/** Everything that Node's pool of threads can do is being done, so what is written to standard output waits for its turn. */
const BUSY = `
  import { pbkdf2 } from 'node:crypto'
  import { Log } from './src/ops/log.ts'
  for (let n = 0; n < 8; n++) pbkdf2('x', 'x', 20_000, 32, 'sha512', () => {})
  const log = new Log('info')
  log.write('gateway-draining', { count: 0 })
  log.write('gateway-stopped')
  await log.flush()
  process.exit()
`

describe('the end of the log on standard output', () => {
  it('comes in order and whole, however busy the process is', async () => {
    const args = [...SOURCE_OPTIONS, '--input-type', 'module', '--eval', BUSY]
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: join(import.meta.dirname, '../../../..'),
    })
    const events = stdout.split('\n').flatMap((line) => /"event":"([^"]+)"/.exec(line)?.[1] ?? [])
    assert.deepEqual(events, ['gateway-draining', 'gateway-stopped'])
  })
})
