/** RabbitMQ's Java client, on which its JMS client is built: runs a source file with it, where the machine has both. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findCommand } from '../../src/demo/install.ts'
import { within } from './until.ts'

/** Where Debian puts it, and the log that it wants. */
const CLASS_PATH = ['amqp-client.jar', 'slf4j-api.jar', 'slf4j-nop.jar'].map((name) => join('/usr/share/java', name))
/** Compiles, then runs: a busy machine takes its time. */
const DEADLINE_MS = 240_000

/** Why it cannot be run here; undefined where it can. */
export async function javaProblem(): Promise<string | undefined> {
  if ((await findCommand('java', process.env)) === undefined)
    return 'there is no java: install Java 11 or newer, with javac'
  const missing = CLASS_PATH.find((path) => !existsSync(path))
  return missing === undefined ? undefined : `there is no ${missing} (Debian: librabbitmq-client-java, libslf4j-java)`
}

async function findJava(): Promise<string | undefined> {
  return await findCommand('java', process.env)
}

export interface JavaRun {
  readonly lines: readonly string[]
  readonly errors: string
  readonly code: number | null
}

/** @param heard called with each line of its output; what it returns is written to its standard input */
export async function runJava(
  file: string,
  args: readonly string[],
  heard: (line: string) => string | undefined = () => undefined,
): Promise<JavaRun> {
  const options = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', CLASS_PATH.join(':')]
  const java = await findJava()
  if (java === undefined) throw new Error('there is no java')
  const child = spawn(java, [...options, file, ...args], { stdio: 'pipe' })
  try {
    return await within(output(child, heard), 'the end of the Java program', DEADLINE_MS)
  } finally {
    child.kill('SIGKILL')
  }
}

async function output(child: ChildProcess, heard: (line: string) => string | undefined): Promise<JavaRun> {
  const lines: string[] = []
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  if (child.stdout === null) throw new Error('no standard output')
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line)
    const answer = heard(line)
    if (answer !== undefined) child.stdin?.write(`${answer}\n`)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { lines, errors, code }
}
