/**
 * `npm run test:brokers`: the integration tests against the RabbitMQs of newer Debian releases, each installed by
 * debootstrap into a scratch folder and run there in a chroot. Wants root, Debian or Ubuntu, and Debian's mirror.
 *
 *   node --import tsx test/brokers.ts [release …]      default: trixie (4.0) and sid (4.3 or newer)
 *
 * The scratch folders are removed at the end, unless BROKER_ROOTS names a folder to keep them in for the next time.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCommand, installPackage, isExecutable, mayInstallPackages } from '../src/demo/install.ts'
import { onOurEnd, run } from '../src/demo/processes.ts'

const RELEASES = ['trixie', 'sid']
const RUNNER = fileURLToPath(new URL('run.ts', import.meta.url))
const say = (line: string) => process.stderr.write(`${line}\n`)

/** A root folder with that release's RabbitMQ in it. @throws with the end of debootstrap's output. */
async function prepareRoot(folder: string, release: string): Promise<string> {
  const root = join(folder, release)
  if (await isExecutable(join(root, 'usr/lib/rabbitmq/bin/rabbitmq-server'))) return root
  await rm(root, { recursive: true, force: true })
  await mkdir(root, { recursive: true })
  say(`installing RabbitMQ of Debian ${release} into ${root} …`)
  const command = ['debootstrap', '--variant=minbase', '--include=rabbitmq-server', release, root]
  const { code, output } = await run(command, { deadlineMs: 900_000 })
  if (code !== 0) throw new Error(`debootstrap of ${release} failed with ${code}:\n${output.slice(-4_000)}`)
  // The node is called …@localhost, and new roots do not always know that name.
  await writeFile(join(root, 'etc/hosts'), '127.0.0.1 localhost\n')
  return root
}

async function testAgainst(root: string): Promise<number> {
  const { RABBITMQ_URL: _url, RABBITMQ_MANAGEMENT_URL: _api, ...rest } = process.env
  const env = { ...rest, RABBITMQ_ROOT: root }
  const tests = spawn(process.execPath, ['--import', 'tsx', RUNNER, 'integration'], { stdio: 'inherit', env })
  return new Promise((resolve, reject) => {
    tests.once('error', reject)
    tests.once('close', (code) => resolve(code ?? 1))
  })
}

async function main(releases: readonly string[]): Promise<number> {
  if (!(await mayInstallPackages(process.env))) {
    throw new Error(
      'npm run test:brokers wants root on Debian or Ubuntu: it installs brokers into root folders of their own',
    )
  }
  if ((await findCommand('debootstrap', process.env)) === undefined) {
    await installPackage('debootstrap', { say, env: process.env })
  }
  const kept = process.env['BROKER_ROOTS']
  const folder = kept ?? (await mkdtemp(join(tmpdir(), 'gatehouse-brokers-')))
  const cleaner = kept === undefined ? await onOurEnd(['true'], folder) : undefined
  let failures = 0
  try {
    for (const release of releases.length > 0 ? releases : RELEASES) {
      const code = await testAgainst(await prepareRoot(folder, release))
      say(`RabbitMQ of Debian ${release}: ${code === 0 ? 'passed' : `failed with ${code}`}`)
      if (code !== 0) failures++
    }
  } finally {
    await cleaner?.kill()
    if (kept === undefined) await rm(folder, { recursive: true, force: true })
  }
  return failures === 0 ? 0 : 1
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  },
)
