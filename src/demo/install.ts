/**
 * Installs a Debian package as root, announced first, without its services being started: `policy-rc.d` says no while
 * apt-get runs, and afterwards is what it was before.
 */
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { runCommand } from './processes.ts'

/** What Debian asks whether a service may be started. */
const POLICY_FILE = '/usr/sbin/policy-rc.d'

/** $1 the package, $2 the policy. The shell restores the policy in its exit trap, so also when it is interrupted. */
const INSTALL = `
set -e
policy=$2
saved=$(mktemp -d)
restore() {
  rm -f "$policy"
  if [ -e "$saved/policy" ] || [ -L "$saved/policy" ]; then mv "$saved/policy" "$policy"; fi
  rmdir "$saved"
}
trap restore EXIT
trap 'exit 130' INT TERM HUP
if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$saved/policy"; fi
printf '#!/bin/sh\\nexit 101\\n' > "$policy"
chmod 755 "$policy"
apt-get install -y --no-install-recommends "$1" || {
  apt-get update
  apt-get install -y --no-install-recommends "$1"
}
`

/** Whether we are root on a machine with apt-get. */
export async function mayInstallPackages(env: NodeJS.ProcessEnv): Promise<boolean> {
  return process.getuid?.() === 0 && (await findCommand('apt-get', env)) !== undefined
}

/** Installs one package. @throws Error with the end of apt-get's output. */
export async function installPackage(
  name: string,
  options: { say: (line: string) => void; env: NodeJS.ProcessEnv; policyFile?: string },
): Promise<void> {
  options.say(`installing the package ${name} with apt-get (its services are not started) …`)
  const result = await runCommand(['sh', '-c', INSTALL, 'install', name, options.policyFile ?? POLICY_FILE], {
    env: { ...options.env, DEBIAN_FRONTEND: 'noninteractive' },
    deadlineMs: 600_000,
  })
  if (result.code !== 0) {
    throw new Error(`apt-get install ${name} failed with ${result.code}:\n${result.output.slice(-4_000)}`)
  }
  options.say(`${name} is installed`)
}

/** The path of a command, looked up in PATH and in the folders where system commands are. */
export async function findCommand(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin']
  for (const folder of folders) {
    if (folder === '') continue
    const path = join(folder, name)
    if (await isExecutable(path)) return path
  }
  return undefined
}

export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
