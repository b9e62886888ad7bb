import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { SOURCE_OPTIONS } from '../../../support/source-options.ts'

/** Runs a program with `output`, a StandardOutput, and `said`, which tells us what it sees on standard error. */
function run(program: string, stdout: 'pipe' | number) {
  const source = `
    import { StandardOutput } from './src/ops/standard-output.ts'
    const output = StandardOutput.current
    const said = (...what) => process.stderr.write(JSON.stringify(what) + '\\n')
    ${program}`
  const args = [...SOURCE_OPTIONS, '--input-type', 'module', '--eval', source]
  const stdio = ['pipe', stdout, 'pipe'] as const
  return spawn(process.execPath, args, { cwd: join(import.meta.dirname, '../../../..'), stdio: [...stdio] })
}

/** What it wrote, what it said of it, and its exit code. */
async function ended(child: ReturnType<typeof run>): Promise<{ lines: string[]; said: unknown; code: number | null }> {
  const [out, said, [code]] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    text(child.stderr as NonNullable<typeof child.stderr>),
    once(child, 'exit') as Promise<[number | null]>,
  ])
  const last = said.trimEnd().split('\n').at(-1) ?? ''
  return { lines: out.split('\n').slice(0, -1), said: last.startsWith('[') ? JSON.parse(last) : said, code }
}

describe('StandardOutput', () => {
  it('writes what some milliseconds bring at once, in order', async () => {
    const child = run(`for (let n = 0; n < 100; n++) output.write(n + '\\n'); await output.flush()`, 'pipe')
    let chunks = 0
    child.stdout?.on('data', () => chunks++)
    const { lines } = await ended(child)
    assert.deepEqual(
      lines,
      Array.from({ length: 100 }, (_, n) => String(n)),
    )
    assert.equal(chunks, 1)
  })

  it('writes without being asked to', async () => {
    const child = run(`output.write('one\\n'); process.stdin.resume()`, 'pipe')
    const [chunk] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer]
    assert.equal(String(chunk), 'one\n')
    child.stdin?.end()
    await ended(child)
  })

  it('loses nothing of what is more than it gathers, nor of what comes while it writes', async () => {
    const program = `
      const line = (n) => String(n).padStart(99, '0') + '\\n'
      let n = 0
      const more = () => {
        for (const until = n + 500; n < until; n++) if (!output.write(line(n))) throw new Error('refused')
        if (n < 20_000) setImmediate(more); else output.flush().then(() => process.exit())
      }
      more()`
    const { lines } = await ended(run(program, 'pipe'))
    assert.deepEqual(
      lines.map(Number),
      Array.from({ length: 20_000 }, (_, n) => n),
    )
  })

  it('lets everybody who waits for the end hear of it, at once', async () => {
    const program = `
      output.write('one\\n')
      const startedMs = performance.now()
      await Promise.all([output.flush(), output.flush()])
      said(performance.now() - startedMs < 5000)`
    const { said } = await ended(run(program, 'pipe'))
    assert.deepEqual(said, [true])
  })

  it('waits for what was said before, not for what others say meanwhile', async () => {
    const program = `
      const chatter = setInterval(() => output.write('x'.repeat(60_000) + '\\n'), 1)
      output.write('one\\n')
      const startedMs = performance.now()
      await output.flush()
      clearInterval(chatter)
      said(performance.now() - startedMs < 5000)`
    const { lines, said } = await ended(run(program, 'pipe'))
    assert.deepEqual([lines[0], said], ['one', [true]])
  })

  it('is one for all logs of a process, and nothing of theirs is left behind', async () => {
    const program = `
      const { Log } = await import('./src/ops/log.ts')
      const before = process.listenerCount('exit')
      for (let n = 0; n < 20; n++) new Log('info').write('gateway-stopped')
      said(process.listenerCount('exit') - before)`
    const { lines, said } = await ended(run(program, 'pipe'))
    assert.deepEqual([lines.length, said], [20, [0]])
  })

  it('is whole when the process ends by an error of its own', async () => {
    const { lines, code } = await ended(run(`output.write('last\\n'); throw new Error('a crash')`, 'pipe'))
    assert.deepEqual([lines, code], [['last'], 1])
  })

  it('refuses what is too much to wait for a reader that does not read, and takes on when it reads', async () => {
    const program = `
      const line = 'x'.repeat(65_535) + '\\n'
      let taken = 0
      while (output.write(line)) taken++
      process.stdin.once('data', async () => {
        await output.flush()
        said(taken, output.write('again\\n'))
        process.stdin.destroy()
      })
      process.stderr.write('full\\n')`
    const child = run(program, 'pipe')
    child.stdout?.pause()
    await once(child.stderr as NonNullable<typeof child.stderr>, 'data')
    child.stdin?.write('read')
    const { lines, said } = await ended(child)
    assert.deepEqual(said, [64, true])
    assert.deepEqual([lines.length, lines.at(-1)], [65, 'again'])
  })

  it('says so, and goes on, where the reader has gone away', async () => {
    const program = `
      output.write('to nobody\\n')
      await output.flush()
      const first = output.write('to nobody either\\n')
      await output.flush()
      said(first, output.write('nor this\\n'))`
    const child = run(`process.stdin.once('end', async () => {${program}}).resume()`, 'pipe')
    child.stdout?.destroy()
    child.stdin?.end()
    const said = text(child.stderr as NonNullable<typeof child.stderr>)
    const [code] = (await once(child, 'exit')) as [number]
    assert.deepEqual([(await said).trim(), code], ['[false,false]', 0])
  })

  it('finds out by itself that a full disk has room again, with nobody who writes', async () => {
    const program = `
      import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      const { write } = fs
      // The line itself is tried twice: by the flush, and when it would have gone by itself.
      let tries = 0
      fs.write = (fd, bytes, done) => ++tries <= 2 ? setImmediate(done, new Error('ENOSPC')) : write(fd, bytes, done)
      syncBuiltinESMExports()
      const before = output.isFailing
      output.write('one\\n')
      await output.flush()
      const during = output.isFailing
      const looking = setInterval(() => {
        if (output.isFailing) return
        clearInterval(looking)
        output.flush().then(() => said(before, during, tries))
      }, 10)`
    const { lines, said } = await ended(run(program, 'pipe'))
    assert.deepEqual([lines, said], [['one'], [false, true, 3]])
  })

  it('says so where a disk is full, and does not crash', async () => {
    const full = openSync('/dev/full', 'w')
    const program = `
      const taken = [output.write('one\\n')]
      await output.flush()
      for (let n = 0; n < 3; n++) {
        taken.push(output.write('another\\n'))
        await output.flush()
      }
      said(taken)
      process.exit()`
    const { said, code } = await ended(run(program, full))
    assert.deepEqual([said, code], [[[true, false, false, false]], 0])
  })
})
