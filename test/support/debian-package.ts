/** Programs that tests need and this machine has not: Debian's packages, installed where that may be done. */

import type { Environment } from '../../src/config/environment.ts'
import { findCommand, installPackage, mayInstallPackages } from '../../src/demo/install.ts'

/** Installs a Debian package where something of it is missing. @throws with what to do where that cannot be */
export async function debianPackage(name: string, isThere: () => Promise<boolean>): Promise<void> {
  if (await isThere()) return
  if (!(await mayInstallPackages(process.env))) throw new Error(`these tests need ${name}: apt-get install ${name}`)
  await installPackage(name, { say: (line) => process.stderr.write(`${line}\n`), env: process.env })
}

/** Installs a Debian package where its command is missing. @throws with what to do where that cannot be */
export async function debianCommand(name: string, command: string, env: Environment = process.env): Promise<void> {
  await debianPackage(name, async () => (await findCommand(command, env)) !== undefined)
}
