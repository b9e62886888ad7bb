/**
 * The runner behind `npm test`: gets a RabbitMQ and a Chromium the way the demo does, shares one private broker among all
 * test files, runs them with node:test on whatever Node.js runs this, and passes on its lines and its exit code.
 *
 *   node --import tsx test/run.ts [NAME=value …] [folder or file …] [-- options for node --test]
 *
 * Folders are those of test/ (`unit`, `integration`, …). Test files that run alone start what they need by themselves.
 * `NAME=value` is an environment variable of the tests, also where the shell has no such notation.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Rabbit, startRabbit } from '../src/demo/rabbitmq.ts'
import { refuseCanaries } from './support/canary.ts'
import { findChromium } from './support/chromium.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDERS = ['unit', 'property', 'conformance', 'integration', 'browser']
/** A test file that hangs is ended after this; far more than any takes. */
const TEST_TIMEOUT_MS = 300_000
/** How long before that it says what it waits for. */
const LAST_WORD_MS = 10_000
const LATE_FILES = 'late-files.json'
const BEGUN_LIST = 'begun'
const VARIABLE = /^([A-Z][A-Z0-9_]*)=(.*)$/

/** What the reporter `late-files.mjs` found. */
interface LateFiles {
  readonly late: readonly string[]
  /** How many failures of any other kind. */
  readonly others: number
}

/** The test files that the arguments name; all without any. @throws when an argument names none. */
async function testFiles(names: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for (const name of names.length > 0 ? names : FOLDERS) {
    const path = FOLDERS.includes(name) ? join(ROOT, 'test', name) : resolve(name)
    const found = (await isFolder(path))
      ? await filesIn(path, FOLDERS.includes(name))
      : path.endsWith('.test.ts')
        ? [path]
        : []
    if (found.length === 0 && names.length > 0) {
      throw new Error(
        `${name}: no test files there; expected one of ${FOLDERS.join(', ')} or the path of a *.test.ts file`,
      )
    }
    files.push(...found)
  }
  return files.map((file) => relative(ROOT, file))
}

/** @param recursive also those in the folders below, as the suite’s own folders have them */
async function filesIn(folder: string, recursive: boolean): Promise<string[]> {
  const names = await readdir(folder, { recursive })
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(folder, name))
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

/** Whether any of the files is in such a folder, or mentions the module. */
async function anyNeeds(files: readonly string[], folders: readonly string[], module: string): Promise<boolean> {
  for (const file of files) {
    if (folders.some((folder) => file.startsWith(join('test', folder, '/')))) return true
    if ((await readFile(join(ROOT, file), 'utf8')).includes(module)) return true
  }
  return false
}

/**
 * Runs node:test over the files; its exit code. Where nothing failed but that processes hung before their first test, those
 * files run once more, and that decides: Node.js 20 hangs now and then where it loads modules by a thread of its own.
 */
async function runTests(files: readonly string[], options: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tests-'))
  try {
    const code = await runOnce(files, options, env, folder)
    const hung = code === 0 ? [] : await hungAtOnce(folder)
    if (hung.length === 0) return code
    process.stderr.write(`\nHUNG BEFORE THE FIRST TEST, until the time limit: ${hung.join(', ')}\nOnce more:\n`)
    return await runOnce(hung, options, env, folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The files that were late without any test begun; none where there were other failures. */
async function hungAtOnce(folder: string): Promise<string[]> {
  // Nothing is written where a signal ended the run, or no test began.
  const [report, begun] = await Promise.all(
    [LATE_FILES, BEGUN_LIST].map((name) => readFile(join(folder, name), 'utf8').catch(() => '')),
  )
  const { late, others } = JSON.parse(report || '{"late":[],"others":0}') as LateFiles
  const names = begun?.split('\n') ?? []
  return others > 0 ? [] : late.filter((file) => !names.includes(file)).map((file) => relative(ROOT, file))
}

/** @param folder gets what `late-files.mjs` and `begun.ts` write @returns the exit code, or 1 when a signal ended it */
async function runOnce(
  files: readonly string[],
  options: readonly string[],
  env: NodeJS.ProcessEnv,
  folder: string,
): Promise<number> {
  const concurrency = Math.max(2, Math.min(4, availableParallelism()))
  const args = [
    '--import',
    'tsx',
    '--import',
    import.meta.resolve('./support/assert-ok.ts'),
    '--import',
    import.meta.resolve('./support/last-word.ts'),
    '--import',
    import.meta.resolve('./support/begun.ts'),
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${import.meta.resolve('./support/late-files.mjs')}`,
    `--test-reporter-destination=${join(folder, LATE_FILES)}`,
    ...options,
    ...files,
  ]
  const limit = options.findLast((option) => option.startsWith('--test-timeout='))?.split('=')[1]
  const lastWordMs = Math.max(1_000, Number(limit ?? TEST_TIMEOUT_MS) - LAST_WORD_MS)
  const more = { TEST_LAST_WORD_MS: String(lastWordMs), TEST_BEGUN_LIST: join(folder, BEGUN_LIST) }
  const tests = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env: { ...env, ...more } })
  const forward = (signal: NodeJS.Signals) => tests.kill(signal)
  process.on('SIGINT', forward)
  process.on('SIGTERM', forward)
  const code = await new Promise<number>((resolve, reject) => {
    tests.once('error', reject)
    tests.once('close', (status) => resolve(status ?? 1))
  })
  process.off('SIGINT', forward)
  process.off('SIGTERM', forward)
  return code
}

async function main(): Promise<number> {
  const given = process.argv.slice(2)
  const dashes = given.indexOf('--')
  const words = dashes === -1 ? given : given.slice(0, dashes)
  const names = words.filter((word) => !VARIABLE.test(word))
  const options = dashes === -1 ? [] : given.slice(dashes + 1)
  const files = await testFiles(names)

  const env: NodeJS.ProcessEnv = { ...process.env }
  for (const word of words) {
    const [, name, value] = VARIABLE.exec(word) ?? []
    if (name !== undefined) env[name] = value
  }
  // A runner of ours that is itself under node:test must not make its children report to that one.
  delete env['NODE_TEST_CONTEXT']
  if (await anyNeeds(files, ['browser'], 'support/chromium.ts')) env['CHROMIUM_PATH'] = await findChromium()
  let rabbit: Rabbit | undefined
  if (await anyNeeds(files, ['integration', 'browser'], 'support/broker.ts')) {
    const startedMs = performance.now()
    rabbit = await startRabbit()
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    process.stderr.write(
      `RabbitMQ ${rabbit.version} (${rabbit.kind}) at ${rabbit.host}:${rabbit.port}, ready after ${seconds} s\n`,
    )
    env['RABBITMQ_URL'] = rabbit.url
    env['RABBITMQ_MANAGEMENT_URL'] = rabbit.management.url
  }
  try {
    const code = await runTests(files, options, env)
    if (code !== 0 && rabbit?.kind !== 'external') showLog(rabbit)
    // Every password of a broker user of the tests is a canary: the gateways shall not have made the broker write one down.
    refuseCanaries('the log of the shared broker', rabbit?.log() ?? '')
    return code
  } finally {
    await rabbit?.stop()
  }
}

function showLog(rabbit: Rabbit | undefined): void {
  const errors =
    rabbit
      ?.log()
      .split('\n')
      .filter((line) => /\[(error|warning)\]/.test(line)) ?? []
  if (errors.length === 0) return
  process.stderr.write(`\nThe shared broker's last warnings and errors:\n${errors.slice(-20).join('\n')}\n`)
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  },
)
