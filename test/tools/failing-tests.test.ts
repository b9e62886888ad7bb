/** What a failing test does to its file: it says so soon, and leaves nothing open that would keep the file from ending. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../../src/demo/processes.ts'
import { SOURCE_OPTIONS } from '../support/source-options.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Far less than the runner waits for a file that hangs. */
const DEADLINE_MS = 90_000

/** Enough text for a search through it to be felt. */
const TEXT = Array.from({ length: 400 }, (_, n) => `export const text${n} = \`\${${n}} and some more of it\``)

const FILES = {
  'assertion.test.ts': [
    "import assert from 'node:assert/strict'",
    "import { it } from 'node:test'",
    ...TEXT,
    "it('asserts', () => assert.ok(text0 === ''))",
  ],
  'hangs.test.ts': [
    "import { it } from 'node:test'",
    `import { until } from '${new URL('../support/until.ts', import.meta.url).href}'`,
    "it('hangs', () => until(() => false, 'what never is', 60_000))",
  ],
  'rig.test.ts': [
    "import { it } from 'node:test'",
    `import { Rig } from '${new URL('../support/session-rig.ts', import.meta.url).href}'`,
    "it('leaves a rig', async () => { await Rig.relaying({}, 1); throw new Error('an assertion') })",
    "it('leaves one at its beginning', async () => { await Rig.open({ script: { mute: true } }); throw new Error('another') })",
  ],
}

describe('a test file whose tests fail', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-failing-'))
    for (const [name, lines] of Object.entries(FILES)) await writeFile(join(folder, name), lines.join('\n'))
  })
  after(() => rm(folder, { recursive: true }))

  const runner = (name: keyof typeof FILES, ...options: string[]) =>
    runCommand([process.execPath, ...SOURCE_OPTIONS, 'test/run.ts', join(folder, name), ...options], {
      cwd: ROOT,
      deadlineMs: DEADLINE_MS,
    })

  it('ends, however far its sessions had come', async () => {
    const { code, output } = await runner('rig.test.ts')

    assert.equal(code, 1, output)
    assert.match(output, /fail 2\n/)
    assert.match(output, /Error: an assertion/)
  })

  it('says what it waits for before it is ended', async () => {
    const { code, output } = await runner('hangs.test.ts', '--', '--test-timeout=20000')

    assert.equal(code, 1, output)
    assert.match(output, /hangs\.test\.ts still runs after 10 s\. It waits for:\n {2}what never is, for \d+ s\n/)
  })

  it('says what was not truthy, within the time of an ordinary test', async () => {
    const { code, output } = await runner('assertion.test.ts')

    assert.equal(code, 1, output)
    const [, tookMs] = /✖ asserts \((\d+)/.exec(output) ?? []
    assert.ok(Number(tookMs) < 2_000, output)
    assert.match(output, /expected something truthy, got false|text0 === ''/)
  })
})
