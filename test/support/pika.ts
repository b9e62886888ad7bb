/** Python's AMQP client: runs scripts that use it. From the machine, or, as root on Debian and Ubuntu, from its package. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findCommand, installPackage, mayInstallPackages } from '../../src/demo/install.ts'
import { within } from './until.ts'

/** @returns what the script printed, as JSON. @throws with its output when it fails */
export async function runPika(script: string, args: readonly string[]): Promise<unknown> {
  const { code, output, errors } = await runPython(await findPython(), script, args)
  if (code !== 0) throw new Error(`the script failed with ${code}:\n${errors.slice(-4_000)}`)
  return JSON.parse(output) as unknown
}

async function findPython(): Promise<string> {
  const found = await lookAround()
  if (found !== undefined) return found
  if (await mayInstallPackages(process.env)) {
    await installPackage('python3-pika', { say: (line) => process.stderr.write(`${line}\n`), env: process.env })
    const installed = await lookAround()
    if (installed !== undefined) return installed
  }
  throw new Error('This test needs pika: install it (Debian: apt-get install python3-pika).')
}

/** The first Python that has it; Debian's packages are for Debian's own Python only. */
async function lookAround(): Promise<string | undefined> {
  for (const python of [await findCommand('python3', process.env), '/usr/bin/python3']) {
    if (python !== undefined && (await runPython(python, 'import pika', [])).code === 0) return python
  }
  return undefined
}

async function runPython(
  python: string,
  script: string,
  args: readonly string[],
): Promise<{ code: number | null; output: string; errors: string }> {
  const child = spawn(python, ['-c', script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  child.on('error', (error) => {
    errors += error.message
  })
  await within(once(child, 'close'), 'the end of the Python script', 30_000)
  return { code: child.exitCode, output, errors }
}
