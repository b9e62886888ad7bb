/** Why a command ended, in words, and with which exit code. Loaded only then: it knows the errors of the whole gateway. */
import { InvalidConfiguration } from '../../auth/index.ts'
import { ConfigError } from '../config/reading/problems.ts'
import { CommandFailed, EXIT, UsageError } from './exit.ts'

/** What is told, and the exit code, for whatever a command threw. A stack only for what nobody expected. */
export function report(error: unknown): { readonly text: string; readonly code: number } {
  if (error instanceof UsageError) {
    const help = error.command === undefined ? 'gatehouse --help' : `gatehouse help ${error.command}`
    return { text: `gatehouse: ${error.message}\nTry: ${help}`, code: EXIT.usage }
  }
  if (error instanceof ConfigError) {
    const count = error.problems.length
    return { text: `${error.message}\n${count === 1 ? '1 mistake' : `${count} mistakes`}`, code: EXIT.configuration }
  }
  if (error instanceof InvalidConfiguration) return { text: error.message, code: EXIT.configuration }
  if (error instanceof CommandFailed) return { text: `gatehouse: ${error.message}`, code: error.code }
  if (isSystemError(error)) return { text: `gatehouse: ${error.message}`, code: EXIT.failure }
  return { text: `gatehouse: ${error instanceof Error ? error.stack : String(error)}`, code: EXIT.failure }
}

/** Errors of the operating system name what they are about: a path, an address. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}
