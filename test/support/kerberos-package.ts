/**
 * The package `kerberos`, for tests: installed by npm into test/kerberos from a lock file of its own when a test first asks,
 * without its install script (which would look for a binary on the net), and built from its source by the compiler alone.
 */
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../../src/demo/processes.ts'
import { debianCommand, debianPackage } from './debian-package.ts'
import { until } from './until.ts'

const DEADLINE_MS = 300_000
const HEADERS = '/usr/include/gssapi/gssapi_krb5.h'
/** What its binding.gyp says for Linux. */
const FLAGS = ['-std=c++17', '-O1', '-shared', '-fPIC', '-DKERBEROS_USE_RTLD=1', '-DNAPI_VERSION=9']
const BUILD = `g++ ${FLAGS.join(' ')} -DNODE_GYP_MODULE_NAME=kerberos -DBUILDING_NODE_EXTENSION \\
  -I../node-addon-api -I../node-api-headers/include src/kerberos.cc src/unix/*.cc -ldl -o build/Release/kerberos.node`

/** Its folder of node_modules; installs and builds what is not there yet. @throws with the output of what failed */
export async function kerberosPackage(): Promise<string> {
  const folder = fileURLToPath(new URL('../kerberos', import.meta.url))
  const lock = join(folder, '.installing')
  await until(() => takeLock(lock), `the lock ${lock}`, DEADLINE_MS)
  try {
    const wanted = await readFile(join(folder, 'package-lock.json'), 'utf8')
    const stamp = join(folder, 'node_modules', '.built')
    if ((await readFile(stamp, 'utf8').catch(() => '')) !== wanted) {
      await build(folder)
      await writeFile(stamp, wanted)
    }
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
  return join(folder, 'node_modules')
}

async function build(folder: string): Promise<void> {
  await debianPackage('libkrb5-dev', () => exists(HEADERS))
  await debianCommand('g++', 'g++')
  process.stderr.write('installing the package kerberos for the tests with npm, and building it …\n')
  await succeed(['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder], folder)
  const source = join(folder, 'node_modules', 'kerberos')
  await mkdir(join(source, 'build', 'Release'), { recursive: true })
  await succeed(['sh', '-c', BUILD], source)
}

async function succeed(command: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await runCommand(command, { cwd, deadlineMs: DEADLINE_MS })
  if (code !== 0) throw new Error(`${command[0]} failed with ${code}:\n${output}`)
}

/** A folder is the lock: several processes may ask at once. */
async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock)
    return true
  } catch {
    const ageMs = await stat(lock)
      .then(({ mtimeMs }) => Date.now() - mtimeMs)
      .catch(() => 0)
    // Left behind by a run that was killed.
    if (ageMs > DEADLINE_MS) await rm(lock, { recursive: true, force: true })
    return false
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}
