/**
 * `npm run test:node24 [-- folder …]`: the same runner as `npm test`, on the Node.js 24 of test/runtime, which is what the
 * container image ships.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { testRuntime } from '../test/support/runtime.ts'

const { node } = await testRuntime()
const runner = join(import.meta.dirname, '..', 'test', 'run.ts')
const run = spawnSync(node, ['--import', 'tsx', runner, ...process.argv.slice(2)], { stdio: 'inherit' })
process.exitCode = run.status ?? 1
