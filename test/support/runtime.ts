/**
 * A Node.js 24 and the programs that want one (oidc-provider), beside the suite: installed by npm into test/runtime when
 * a test first asks, from a lock file of its own.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isExecutable } from '../../src/demo/install.ts'
import { until } from './until.ts'

const MAJOR = 24
const INSTALL_DEADLINE_MS = 300_000

export interface TestRuntime {
  /** The path of a Node.js 24. */
  readonly node: string
  /** The folder to run its programs in: what they import is found from there. */
  readonly folder: string
}

/** Installs what is not there yet. @throws with npm's output when that fails, or when npm has no Node.js 24 for this machine. */
export async function testRuntime(): Promise<TestRuntime> {
  const folder = fileURLToPath(new URL('../runtime', import.meta.url))
  if (!(await isInstalled(folder))) await installOnce(folder)
  const ownMajor = Number(process.versions.node.split('.')[0])
  if (ownMajor === MAJOR) return { node: process.execPath, folder }

  const platform = `${process.platform}-${process.arch}`
  for (const name of [`node-${platform}`, `node-bin-${platform}`]) {
    const node = join(folder, 'node_modules', name, 'bin', 'node')
    if (await isExecutable(node)) return { node, folder }
  }
  throw new Error(
    `there is no Node.js ${MAJOR} for ${platform} in test/runtime/package.json; run the suite on Node.js ${MAJOR}`,
  )
}

/** Test files run in processes of their own, and several may ask at once: a folder is the lock. */
async function installOnce(folder: string): Promise<void> {
  const lock = join(folder, '.installing')
  await until(() => takeLock(lock), `the lock ${lock}`, INSTALL_DEADLINE_MS)
  try {
    if (await isInstalled(folder)) return
    await install(folder)
    await writeFile(join(folder, 'node_modules', '.installed'), await lockFileDigest(folder))
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
}

async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock)
    return true
  } catch {
    const age = await stat(lock)
      .then(({ mtimeMs }) => Date.now() - mtimeMs)
      .catch(() => 0)
    // Left behind by a run that was killed.
    if (age > INSTALL_DEADLINE_MS) await rm(lock, { recursive: true, force: true })
    return false
  }
}

async function isInstalled(folder: string): Promise<boolean> {
  const stamp = await readFile(join(folder, 'node_modules', '.installed'), 'utf8').catch(() => '')
  return stamp !== '' && stamp === (await lockFileDigest(folder))
}

async function lockFileDigest(folder: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(folder, 'package-lock.json')))
    .digest('hex')
}

async function install(folder: string): Promise<void> {
  process.stderr.write('installing a Node.js 24 and an OpenID provider for the tests with npm …\n')
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: INSTALL_DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  let output = ''
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-16_384)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    npm.once('error', reject)
    npm.once('close', resolve)
  })
  if (code !== 0) throw new Error(`npm ci in test/runtime failed with ${code}:\n${output}`)
}
