/**
 * `npm run test:brokers`: everything that talks to a broker, against the RabbitMQs of several Debian releases, each
 * installed by debootstrap into a scratch folder and run there in a chroot. docs/brokers.md says what differs.
 *
 *   node --import tsx test/brokers.ts [release …]      default: bookworm (3.10), trixie (4.0) and sid (4.3 or newer)
 *
 * Wants root, Debian or Ubuntu, and Debian's mirror. The scratch folders are removed at the end, unless BROKER_ROOTS names
 * a folder to keep them in for the next time.
 */
import { spawn } from 'node:child_process'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCommand, installPackage, isExecutable, mayInstallPackages } from '../src/demo/install.ts'
import { onOurEnd, runCommand } from '../src/demo/processes.ts'

const RELEASES = ['bookworm', 'trixie', 'sid']
/** Without it debootstrap would install unsigned packages, with a warning only. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const RUNNER = fileURLToPath(new URL('run.ts', import.meta.url))
const TESTS = ['integration', 'test/browser/client.test.ts', 'test/browser/client-reconnect.test.ts']
const say = (line: string) => process.stderr.write(`${line}\n`)

/** A root folder with that release's RabbitMQ in it. @throws with the end of debootstrap's output. */
async function prepareRoot(folder: string, release: string): Promise<string> {
  const root = join(folder, release)
  if (await isExecutable(join(root, 'usr/lib/rabbitmq/bin/rabbitmq-server'))) return root
  await rm(root, { recursive: true, force: true })
  await mkdir(root, { recursive: true })
  say(`installing RabbitMQ of Debian ${release} into ${root} …`)
  const options = ['--variant=minbase', `--keyring=${KEYRING}`, '--include=rabbitmq-server']
  const { code, output } = await runCommand(['debootstrap', ...options, release, root], { deadlineMs: 900_000 })
  if (code !== 0) throw new Error(`debootstrap of ${release} failed with ${code}:\n${output.slice(-4_000)}`)
  // The node is called …@localhost, and new roots do not always know that name.
  await writeFile(join(root, 'etc/hosts'), '127.0.0.1 localhost\n')
  return root
}

async function versionIn(root: string): Promise<string> {
  const query = ['chroot', root, 'dpkg-query', '--show', '--showformat=${Version}', 'rabbitmq-server']
  return (await runCommand(query)).output
}

async function testAgainst(root: string): Promise<number> {
  const { RABBITMQ_URL: _url, RABBITMQ_MANAGEMENT_URL: _api, ...rest } = process.env
  const env = { ...rest, RABBITMQ_ROOT: root }
  const tests = spawn(process.execPath, ['--import', 'tsx', RUNNER, ...TESTS], { stdio: 'inherit', env })
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
  const env = process.env
  if ((await findCommand('debootstrap', env)) === undefined) await installPackage('debootstrap', { say, env })
  await access(KEYRING).catch(() => installPackage('debian-archive-keyring', { say, env }))
  const kept = env['BROKER_ROOTS']
  const folder = kept ?? (await mkdtemp(join(tmpdir(), 'gatehouse-brokers-')))
  const cleaner = kept === undefined ? await onOurEnd(['true'], folder) : undefined
  const outcomes: string[] = []
  let failures = 0
  try {
    for (const release of releases.length > 0 ? releases : RELEASES) {
      const { passed, text } = await testRelease(folder, release)
      outcomes.push(`Debian ${release}: ${text}`)
      if (!passed) failures++
    }
  } finally {
    await cleaner?.kill()
    if (kept === undefined) await rm(folder, { recursive: true, force: true })
  }
  say(`\n${outcomes.join('\n')}`)
  return failures === 0 ? 0 : 1
}

/** A release that cannot be had does not keep the others from being tested. */
async function testRelease(folder: string, release: string): Promise<{ passed: boolean; text: string }> {
  try {
    const root = await prepareRoot(folder, release)
    const broker = `rabbitmq-server ${await versionIn(root)}`
    say(`testing against ${broker} of Debian ${release} …`)
    const code = await testAgainst(root)
    return { passed: code === 0, text: `${broker} ${code === 0 ? 'passed' : `failed with ${code}`}` }
  } catch (error) {
    return { passed: false, text: error instanceof Error ? error.message : String(error) }
  }
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
