/**
 * Reading a secret from standard input: typed unseen where it is a terminal, one line where it is a pipe. It is never
 * taken from the command line, where every process of the machine could read it.
 */
import { textProblem } from '../config/files/file-text.ts'
import { CommandFailed } from './exit.ts'
import type { Input, Terminal } from './terminal.ts'

const LONGEST_BYTES = 64 * 1024

/** Keys that mean something other than themselves, as terminals send them in raw mode. */
const ENTER = ['\r', '\n']
const ERASE = ['\u007f', '\b']
const ERASE_ALL = '\u0015'
const GIVE_UP = ['\u0003', '\u0004']

/**
 * One secret. A new one is asked for twice at a terminal, so that a slip of the fingers is found before it is a mystery.
 * @throws CommandFailed when there is none, or the two differ
 */
export async function readSecret(terminal: Terminal, what: string, isNew = true): Promise<string> {
  const { stdin, stderr } = terminal
  if (stdin.isTTY !== true) return await readLine(stdin, what)
  const keys = new Keys(stdin)
  try {
    stderr.write(`${what}: `)
    const typed = await readUnseen(keys)
    if (isNew) stderr.write(`\n${what}, once more: `)
    const again = isNew ? await readUnseen(keys) : typed
    if (typed === '') throw new CommandFailed(`no ${what.toLowerCase()} was typed`)
    if (typed !== again) throw new CommandFailed('the two are not the same')
    return typed
  } finally {
    stderr.write('\n')
    keys.close()
  }
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

/** Some shells write a byte order mark into a pipe: it is no part of what was meant. */
function textOf(bytes: Buffer, what: string): string {
  if (textProblem(bytes) !== undefined) throw new CommandFailed(`the ${what.toLowerCase()} is not text in UTF-8`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new CommandFailed(`the ${what.toLowerCase()} is not text in UTF-8`, { cause: error })
  }
}

/** What is typed up to the return key. */
async function readUnseen(keys: Keys): Promise<string> {
  let typed: string[] = []
  for (;;) {
    const key = await keys.next()
    if (key === undefined || GIVE_UP.includes(key)) throw new CommandFailed('given up')
    if (ENTER.includes(key)) return typed.join('')
    if (key === ERASE_ALL) typed = []
    else if (ERASE.includes(key)) typed.pop()
    else typed.push(key)
  }
}

/** A terminal's keys, one by one and without an echo; what was typed ahead waits. */
class Keys {
  readonly #stdin: Input
  readonly #typed: string[] = []
  /** One character may come in two chunks. */
  readonly #decoder = new TextDecoder()
  #hasEnded = false
  #wake = () => {}
  readonly #take = (chunk: Buffer | string) => {
    this.#typed.push(...(typeof chunk === 'string' ? chunk : this.#decoder.decode(chunk, { stream: true })))
    this.#wake()
  }
  readonly #end = () => {
    this.#hasEnded = true
    this.#wake()
  }

  constructor(stdin: Input) {
    this.#stdin = stdin
    stdin.setRawMode?.(true)
    stdin.on('data', this.#take)
    stdin.on('end', this.#end)
  }

  /** `undefined` when the terminal is gone. */
  async next(): Promise<string | undefined> {
    while (this.#typed.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#typed.shift()
  }

  /** Gives the terminal back as it was. */
  close(): void {
    this.#stdin.off('data', this.#take)
    this.#stdin.off('end', this.#end)
    this.#stdin.setRawMode?.(false)
    this.#stdin.pause()
  }
}
