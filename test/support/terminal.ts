/** A terminal for commands under test: what they write is kept, what is typed is scripted. */
import { Readable } from 'node:stream'
import { run } from '../../src/cli/run.ts'
import type { Input } from '../../src/cli/terminal.ts'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface TerminalOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What comes in through a pipe. */
  readonly piped?: string | Buffer
  /** What is typed, a chunk for each keypress or paste. */
  readonly typed?: readonly string[]
}

/** Runs a command line within this process. */
export async function runCommand(
  args: readonly string[],
  { env = {}, piped = '', typed }: TerminalOptions = {},
): Promise<Ran> {
  const out: string[] = []
  const errors: string[] = []
  const stdin: Input = typed === undefined ? Readable.from([Buffer.from(piped)]) : keyboard(typed)
  const code = await run(args, {
    stdin,
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => errors.push(text) },
    env,
  })
  return { code, stdout: out.join(''), stderr: errors.join('') }
}

/** Types each chunk when somebody listens. */
function keyboard(typed: readonly string[]): Input {
  const left = [...typed]
  const stream = new Readable({
    read() {
      const next = left.shift()
      this.push(next === undefined ? null : Buffer.from(next))
    },
  })
  return Object.assign(stream, { isTTY: true, setRawMode: () => undefined })
}
