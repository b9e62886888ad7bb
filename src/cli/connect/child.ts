/** A command that is run with a way to the broker of its own, as `ssh-agent` does it with its keys. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { CommandFailed } from '../exit.ts'
import type { Terminal } from '../terminal.ts'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Runs it with AMQP_URL; resolves with its exit code. @throws CommandFailed where it does not start */
export async function runChild(
  [program = '', ...args]: readonly string[],
  url: string,
  { env }: Terminal,
): Promise<number> {
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: { ...env, GATEHOUSE_PASSWORD: undefined, AMQP_URL: url },
  })
  // A terminal sends SIGINT to both; what a supervisor sends goes on to the child.
  const forward = (signal: NodeJS.Signals) => void child.kill(signal)
  for (const signal of SIGNALS) process.on(signal, forward)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (error) =>
        reject(new CommandFailed(`cannot run ${program}: ${error.message}`, { cause: error })),
      )
      child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
    })
  } finally {
    for (const signal of SIGNALS) process.off(signal, forward)
  }
}
