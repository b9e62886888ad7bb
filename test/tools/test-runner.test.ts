/** The runner itself: which files it takes, and that a failure is one. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../../src/demo/processes.ts'
import { SOURCE_OPTIONS } from '../support/source-options.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

describe('test/run.ts', () => {
  let folder: string
  const runner = (...args: string[]) =>
    runCommand([process.execPath, ...SOURCE_OPTIONS, 'test/run.ts', ...args], { cwd: ROOT, deadlineMs: 120_000 })

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

  it('runs files that failed once more, alone, and names those that pass then; not more of them than may fail', async () => {
    const unsteady = join(folder, 'unsteady', 'unsteady.test.ts')
    await mkdir(dirname(unsteady))
    await writeFile(
      unsteady,
      `import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { it } from 'node:test'
it('is well every second time', () => {
  if (existsSync('${unsteady}.seen')) return rmSync('${unsteady}.seen')
  writeFileSync('${unsteady}.seen', '')
  throw new Error('not yet')
})
`,
    )
    const bad = join(folder, 'bad.test.ts')

    const well = await runner('SECOND_CHANCES=1', unsteady)
    assert.equal(well.code, 0, well.output)
    assert.match(well.output, /\nUNSTEADY: .*unsteady\.test\.ts\n/)
    const never = await runner('SECOND_CHANCES=1', bad)
    const named = await runner(unsteady)
    await rm(`${unsteady}.seen`)
    const both = await runner('SECOND_CHANCES=1', bad, unsteady)
    assert.deepEqual([named.code, never.code, both.code], [1, 1, 1])
    assert.match(never.output, /Once more, alone:/)
    for (const { output } of [named, never, both]) assert.doesNotMatch(output, /UNSTEADY/)
    for (const { output } of [named, both]) assert.doesNotMatch(output, /Once more/)
  })
})
