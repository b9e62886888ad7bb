/** The command line as a whole: finds the command, lets it run, and says how it ended. */
import { suggestion } from '../config/reading/nearest.ts'
import { version } from '../ops/version.ts'
import type { Command } from './command.ts'
import { allCommands, COMMAND_NAMES, loadCommand } from './commands.ts'
import { EXIT, UsageError } from './exit.ts'
import { helpOf, overview } from './help.ts'
import { complain, say, type Terminal } from './terminal.ts'

/** Runs what the arguments ask for; resolves with the exit code, whatever happens. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(args, terminal)
  } catch (error) {
    const { report } = await import('./report.ts')
    const { text, code } = report(error)
    complain(terminal, text)
    return code
  }
}

async function dispatch([first, ...rest]: readonly string[], terminal: Terminal): Promise<number> {
  if (first === undefined) {
    complain(terminal, overview(await allCommands()))
    return EXIT.usage
  }
  if (first === '--version' || first === '-v') {
    say(terminal, version())
    return EXIT.ok
  }
  if (first === 'help' || first === '--help' || first === '-h') {
    const [name] = rest
    say(terminal, name === undefined ? overview(await allCommands()) : helpOf(await commandOf(name)))
    return EXIT.ok
  }
  const command = await commandOf(first)
  // Behind it, options are another command's.
  const end = rest.indexOf('--')
  const own = end === -1 ? rest : rest.slice(0, end)
  if (own.includes('--help') || own.includes('-h')) {
    say(terminal, helpOf(command))
    return EXIT.ok
  }
  return await command.run(rest, terminal)
}

async function commandOf(name: string): Promise<Command> {
  const found = await loadCommand(name)
  if (found) return found
  if (name.startsWith('-')) throw new UsageError(`expected a command before ${JSON.stringify(name)}`)
  throw new UsageError(`no command ${JSON.stringify(name)}${suggestion(name, [...COMMAND_NAMES, 'help'])}`)
}
