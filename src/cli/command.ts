/** What every command is. */
import type { Terminal } from './terminal.ts'

export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** What can be typed after `gatehouse`, a line for each form. */
  readonly usage: readonly string[]
  /** Everything there is to know, beneath the usage. */
  readonly help: string
  /** Resolves with the exit code. @throws UsageError, ConfigError, CommandFailed */
  run(args: readonly string[], terminal: Terminal): Promise<number>
}
