/**
 * `npm run test:failovers`: what gateways promise across failovers of their store, a hundred times (FAILOVERS), and how long a
 * revocation takes. Where the system gives a network namespace, some of the primaries are cut off from everybody in it.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onOurEnd, runCommand } from '../src/demo/processes.ts'

const TESTS = fileURLToPath(new URL('integration/state-failovers.test.ts', import.meta.url))
const ASSERTS = fileURLToPath(new URL('support/assert-ok.ts', import.meta.url))
const NAME = `ghf${process.pid % 100_000}`

/** What runs a program in a network of its own; nothing where there is none to have. */
async function network(): Promise<readonly string[]> {
  const add = await runCommand(['ip', 'netns', 'add', NAME])
  if (add.code !== 0) return []
  await onOurEnd(['ip', 'netns', 'del', NAME])
  const inside = ['ip', 'netns', 'exec', NAME]
  const up = await runCommand([...inside, 'ip', 'link', 'set', 'lo', 'up'])
  const rules = await runCommand([...inside, 'nft', 'list', 'tables'])
  return up.code === 0 && rules.code === 0 ? inside : []
}

const through = await network()
if (through.length === 0) process.stderr.write('no network namespace to have: no partitions\n')
const [command = '', ...words] = [
  ...[...through, process.execPath, '--import', 'tsx', '--import', ASSERTS],
  ...['--test', '--test-reporter=spec', '--test-timeout=7200000', TESTS],
]
const own = through.length === 0 ? {} : { OWN_NETWORK: NAME }
const env = {
  ...process.env,
  ...own,
  FAILOVERS: process.env['FAILOVERS'] ?? '100',
  FAILOVER_MS: process.env['FAILOVER_MS'] ?? '5000',
  // As gateways have it by default.
  FAILOVER_TIMEOUT: process.env['FAILOVER_TIMEOUT'] ?? '250ms',
}
const tests = spawn(command, words, { stdio: 'inherit', env })
tests.once('error', (error) => {
  throw error
})
tests.once('close', (code) => process.exit(code ?? 1))
