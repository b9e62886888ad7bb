/**
 * Reading a secret from standard input: typed unseen where it is a terminal, one line where it is a pipe. It is never
 * taken from the command line, where every process of the machine could read it.
 */
import { CommandFailed } from './exit.ts'
import type { Input, Terminal } from './terminal.ts'

const LONGEST_BYTES = 64 * 1024

/** Keys that mean something other than themselves, as terminals send them in raw mode. */
const ENTER = ['\r', '\n']
const ERASE = ['\u007f', '\b']
const ERASE_ALL = '\u0015'
const GIVE_UP = ['\u0003', '\u0004']

/**
 * One secret. Asked for twice at a terminal, so that a slip of the fingers is found before it is a mystery.
 * @throws CommandFailed when there is none, or the two differ
 */
export async function readSecret(terminal: Terminal, what: string): Promise<string> {
  const { stdin, stderr } = terminal
  if (stdin.isTTY !== true) return await readLine(stdin, what)
  stderr.write(`${what}: `)
  const typed = await readUnseen(stdin)
  stderr.write(`\n${what}, once more: `)
  const again = await readUnseen(stdin)
  stderr.write('\n')
  if (typed === '') throw new CommandFailed(`no ${what.toLowerCase()} was typed`)
  if (typed !== again) throw new CommandFailed('the two are not the same')
  return typed
}

async function readLine(stdin: Input, what: string): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of stdin) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    chunks.push(bytes)
    sizeBytes += bytes.length
    if (sizeBytes > LONGEST_BYTES)
      throw new CommandFailed(`the ${what.toLowerCase()} is longer than ${LONGEST_BYTES} bytes`)
    if (bytes.includes(0x0a)) break
  }
  const all = Buffer.concat(chunks)
  const end = all.indexOf(0x0a)
  const line = textOf(end === -1 ? all : all.subarray(0, end), what).replace(/\r$/, '')
  if (line === '') throw new CommandFailed(`no ${what.toLowerCase()} on standard input`)
  return line
}

function textOf(bytes: Buffer, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new CommandFailed(`the ${what.toLowerCase()} is not text in UTF-8`, { cause: error })
  }
}

/** What is typed up to the return key, without an echo. */
async function readUnseen(stdin: Input): Promise<string> {
  stdin.setRawMode?.(true)
  stdin.resume()
  try {
    return await new Promise<string>((resolve, reject) => {
      let typed: string[] = []
      const stop = (settle: () => void) => {
        stdin.off('data', take)
        stdin.off('end', end)
        settle()
      }
      const end = () => stop(() => reject(new CommandFailed('given up')))
      const take = (chunk: Buffer | string) => {
        for (const key of String(chunk)) {
          if (GIVE_UP.includes(key)) return end()
          if (ENTER.includes(key)) return stop(() => resolve(typed.join('')))
          if (key === ERASE_ALL) typed = []
          else if (ERASE.includes(key)) typed.pop()
          else typed.push(key)
        }
      }
      stdin.on('data', take)
      stdin.on('end', end)
    })
  } finally {
    stdin.setRawMode?.(false)
    stdin.pause()
  }
}
