/**
 * The folder of a client's suite, and the programs that it needs: named on the command line, or from Debian or npm. A suite
 * whose packages bring no tests is not downloaded: the report says which checkout it takes.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { installPackage, mayInstallPackages } from '../../src/demo/install.ts'
import { runCommand } from '../../src/demo/processes.ts'
import type { Source, Suite } from './suites.ts'

/** Packages of npm's are kept here for the next time. */
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/client-suites')
const DOWNLOAD_MS = 600_000

export interface FoundSuite {
  readonly folder: string
  readonly version: string
}

/**
 * @param named the folder that the command line gives for it
 * @throws Error that says what is missing, and how to have it
 */
export async function findSuite(
  { name, source, file, version, packages }: Suite,
  named: string | undefined,
  say: (line: string) => void,
): Promise<FoundSuite> {
  await havePackages(packages, say)
  const folder = named ?? (await ownFolder(name, source, say))
  for (const wanted of [file, version.file]) {
    if (!existsSync(join(folder, wanted))) throw new Error(`${folder} has no ${wanted}; ${remedy(name, source)}`)
  }
  const found = version.pattern.exec(readFileSync(join(folder, version.file), 'utf8'))?.[1]
  if (found === undefined) throw new Error(`${join(folder, version.file)} names no version: ${version.pattern}`)
  return { folder, version: found }
}

async function havePackages(packages: Suite['packages'], say: (line: string) => void): Promise<void> {
  for (const [name, path] of Object.entries(packages)) {
    if (existsSync(path)) continue
    const { env } = process
    if (!(await mayInstallPackages(env))) throw new Error(`there is no ${path}; install Debian's package ${name}`)
    await installPackage(name, { say, env })
  }
}

async function ownFolder(name: string, source: Source, say: (line: string) => void): Promise<string> {
  if ('folder' in source) return source.folder
  if ('npm' in source) return npmPackage(source.npm, say)
  throw new Error(remedy(name, source))
}

/** The folder of a package with what its tests need. It has its name only when all of it is there. */
async function npmPackage(id: string, say: (line: string) => void): Promise<string> {
  const folder = join(CACHE, id)
  if (existsSync(folder)) return folder
  say(`installing the npm package ${id} into ${folder} …`)
  await mkdir(dirname(folder), { recursive: true })
  const scratch = await mkdtemp(`${folder}-`)
  try {
    await must(['npm', 'pack', '--silent', '--pack-destination', scratch, id], scratch)
    await must(['sh', '-c', 'tar -xzf ./*.tgz'], scratch)
    const inside = join(scratch, 'package')
    await must(['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund'], inside)
    await rename(inside, folder)
    return folder
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function must(command: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await runCommand(command, { cwd, deadlineMs: DOWNLOAD_MS })
  if (code !== 0) throw new Error(`${command.join(' ')} failed with ${code}:\n${output.slice(-2_000)}`)
}

function remedy(name: string, source: Source): string {
  if ('npm' in source) return `it takes the npm package ${source.npm}, and \`npm install\` in its folder`
  if ('folder' in source) return `Debian has it in ${source.folder}; other folders go by --suite ${name}=DIR`
  return `do \`git clone --depth 1 --branch ${source.tag} ${source.repository} DIR\`, then give --suite ${name}=DIR`
}
