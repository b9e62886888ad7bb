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
import { SOURCE_OPTIONS } from './support/source-options.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDERS = ['unit', 'property', 'conformance', 'integration', 'browser']
/** A test file that hangs is ended after this; far more than any takes. */
const TEST_TIMEOUT_MS = 300_000
/** How long before that it says what it waits for. */
const LAST_WORD_MS = 10_000
const FAILED_FILES = 'failed-files.json'
/** In a run of the whole suite so many files may fail at first, unless `SECOND_CHANCES=N` says otherwise. */
const SECOND_CHANCES = 2
const VARIABLE = /^([A-Z][A-Z0-9_]*)=(.*)$/

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
 * Runs the files; the exit code. Thousands of tests with real servers run on a machine at work: where a few files of the
 * whole suite fail, those run once more, alone, and that decides. The runner names them loudly, as each is a mistake: of the
 * test where it measures the machine, or of Gatehouse where it shows only now and then.
 * @param secondChances how many files may fail at first
 */
async function runFiles(
  files: readonly string[],
  options: readonly string[],
  env: NodeJS.ProcessEnv,
  secondChances: number,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tests-'))
  try {
    const code = await runTests(files, options, env, folder)
    const failed = code === 0 ? [] : await failedFiles(folder)
    if (failed.length === 0 || failed.length > secondChances || failed.some((file) => !files.includes(file)))
      return code
    process.stderr.write(`\nFAILED: ${failed.join(', ')}\nOnce more, alone:\n`)
    const again = await runTests(failed, [...options, '--test-concurrency=1'], env, folder)
    if (again === 0)
      process.stderr.write(
        `\nUNSTEADY: ${failed.join(', ')}\nPassed only when run again, alone. Please mend or report it.\n`,
      )
    return again
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Those that the reporter wrote down; none where a signal ended the run. */
async function failedFiles(folder: string): Promise<string[]> {
  const list = await readFile(join(folder, FAILED_FILES), 'utf8').catch(() => '')
  return (JSON.parse(list || '[]') as string[]).map((file) => relative(ROOT, file))
}

/**
 * Runs node:test over the files.
 * @param folder gets what `failed-files.mjs` writes
 * @returns the exit code, or 1 when a signal ended it
 */
async function runTests(
  files: readonly string[],
  options: readonly string[],
  env: NodeJS.ProcessEnv,
  folder: string,
): Promise<number> {
  const concurrency = Math.max(2, Math.min(4, availableParallelism()))
  const args = [
    ...SOURCE_OPTIONS,
    '--import',
    import.meta.resolve('./support/assert-ok.ts'),
    '--import',
    import.meta.resolve('./support/last-word.ts'),
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${import.meta.resolve('./support/failed-files.mjs')}`,
    `--test-reporter-destination=${join(folder, FAILED_FILES)}`,
    ...options,
    ...files,
  ]
  const limit = options.findLast((option) => option.startsWith('--test-timeout='))?.split('=')[1]
  const lastWordMs = Math.max(1_000, Number(limit ?? TEST_TIMEOUT_MS) - LAST_WORD_MS)
  // What one file has compiled the next one need not: hundreds of processes load the same modules. (Node.js 22 and newer)
  const more = { TEST_LAST_WORD_MS: String(lastWordMs), NODE_COMPILE_CACHE: join(folder, 'compiled') }
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
    const chances = Number(env['SECOND_CHANCES'] ?? (names.length === 0 ? SECOND_CHANCES : 0))
    const code = await runFiles(files, options, env, chances)
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
