/** RabbitMQ's Java client, on which its JMS client is built: runs a source file with it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { findCommand } from '../../src/demo/install.ts'
import { debianCommand, debianPackage } from './debian-package.ts'
import { within } from './until.ts'

/** Where Debian puts it, and the log that it wants. */
const AMQP_CLIENT = '/usr/share/java/amqp-client.jar'
const SLF4J = ['/usr/share/java/slf4j-api.jar', '/usr/share/java/slf4j-nop.jar']
const CLASS_PATH = [AMQP_CLIENT, ...SLF4J]
/** Compiles, then runs: a busy machine takes its time. */
const DEADLINE_MS = 240_000

/** Installs what is not there yet. @throws with what to do where that cannot be */
export async function javaClient(): Promise<void> {
  await debianCommand('default-jdk-headless', 'javac')
  await debianPackage('librabbitmq-client-java', async () => existsSync(AMQP_CLIENT))
  await debianPackage('libslf4j-java', async () => SLF4J.every((path) => existsSync(path)))
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
