/** `gatehouse hash-password`: a password's hash for a users file, and nothing else on standard output. */
import { hashPassword as hash } from '../../auth/index.ts'
import type { Command } from './command.ts'
import { CommandFailed, EXIT } from './exit.ts'
import { parseOptions } from './options.ts'
import { readSecret } from './prompt.ts'
import { say } from './terminal.ts'

export const hashPasswordCommand: Command = {
  name: 'hash-password',
  summary: "Print a password's hash, for a users file.",
  usage: ['hash-password', 'hash-password < FILE'],
  help: `Asks twice at a terminal; takes one line from a pipe or a file. Only the hash is printed.
It goes into a users file, in quotes:
  users:
    joe.smith: { password: "$scrypt$…", roles: [trader] }`,
  async run(args, terminal) {
    parseOptions(args, { command: 'hash-password', options: {} })
    const password = await readSecret(terminal, 'Password')
    say(terminal, await hashed(password))
    return EXIT.ok
  },
}

async function hashed(password: string): Promise<string> {
  try {
    return await hash(password)
  } catch (error) {
    if (error instanceof RangeError) throw new CommandFailed(error.message, { cause: error })
    throw error
  }
}
