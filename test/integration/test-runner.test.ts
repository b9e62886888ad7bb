/** The runner itself: which files it takes, and that a failure is one. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../../src/demo/processes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

describe('test/run.ts', () => {
  let folder: string
  const runner = (...args: string[]) =>
    runCommand([process.execPath, '--import', 'tsx', 'test/run.ts', ...args], { cwd: ROOT, deadlineMs: 120_000 })

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-runner-'))
    await writeFile(
      join(folder, 'good.test.ts'),
      "import { it } from 'node:test'\nit('is good', (): void => undefined)\n",
    )
    await writeFile(
      join(folder, 'bad.test.ts'),
      "import { it } from 'node:test'\nit('is bad', () => { throw new Error('no') })\n",
    )
    await mkdir(join(folder, 'variable'))
    await writeFile(
      join(folder, 'variable', 'variable.test.ts'),
      "import { it } from 'node:test'\nit('says', () => { if (process.env.RUNNER_SAYS !== 'a=b') throw new Error('no') })\n",
    )
    await writeFile(join(folder, 'no-test.ts'), "throw new Error('not to be run')\n")
  })
  after(() => rm(folder, { recursive: true }))

  it('runs one file, and shows the counts of node:test', async () => {
    const { code, output } = await runner(join(folder, 'good.test.ts'))

    assert.equal(code, 0, output)
    assert.match(output, /✔ is good/)
    assert.match(output, /pass 1\n/)
  })

  it('runs the test files of a folder, and fails when one of them does', async () => {
    const { code, output } = await runner(folder)

    assert.equal(code, 1)
    assert.match(output, /pass 1\n.*fail 1\n/)
  })

  it('refuses what holds no tests', async () => {
    const { code, output } = await runner('nowhere')

    assert.equal(code, 1)
    assert.match(output, /nowhere: no test files there; expected one of unit, property/)
  })

  it('gives variables to the tests', async () => {
    const { code, output } = await runner('RUNNER_SAYS=a=b', join(folder, 'variable', 'variable.test.ts'))

    assert.equal(code, 0, output)
  })

  // Node.js 24 limits the time of tests only, not of files, and tsx needs no thread of its own there.
  if (process.versions.node.startsWith('20.')) {
    it('runs a file once more whose process hung before its first test, and says so; no file that had begun', async () => {
      const hang = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'
      const once = join(folder, 'once', 'once.test.ts')
      const begun = join(folder, 'begun', 'begun.test.ts')
      for (const file of [once, begun]) await mkdir(dirname(file))
      await writeFile(
        once,
        `import { existsSync, writeFileSync } from 'node:fs'
import { it } from 'node:test'
const isSecond = existsSync('${once}.first')
writeFileSync('${once}.first', '')
if (!isSecond) ${hang}
it('is well', (): void => undefined)
`,
      )
      await writeFile(begun, `import { it } from 'node:test'\nit('hangs', () => { ${hang} })\n`)

      const limited = (file: string) => runner(file, '--', '--test-timeout=15000')
      const [again, never] = await Promise.all([limited(once), limited(begun)])

      assert.equal(again.code, 0, again.output)
      assert.match(again.output, /HUNG BEFORE THE FIRST TEST.*once\.test\.ts\n/)
      assert.match(again.output, /✔ is well/)
      assert.equal(never.code, 1, never.output)
      assert.doesNotMatch(never.output, /HUNG BEFORE/)
    })
  }

  it('hands options on to node:test', async () => {
    const { output } = await runner(folder, '--', '--test-name-pattern=good')

    assert.match(output, /✔ is good/)
    assert.doesNotMatch(output, /✖ is bad/)
  })
})
