/** How a command ends: exit codes of sysexits.h, and the errors that stand for them. */
import { InvalidConfiguration } from '../../auth/index.ts'
import { ConfigError } from '../config/reading/problems.ts'

export const EXIT = {
  ok: 0,
  failure: 1,
  /** EX_USAGE: the command line is wrong. */
  usage: 64,
  /** EX_NOPERM: the credential is wrong, or its role does not suffice. */
  forbidden: 77,
  /** EX_CONFIG: the configuration is wrong. */
  configuration: 78,
} as const

/** The command line is wrong; the message says how it would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  /** The command whose help would say more. */
  readonly command: string | undefined

  constructor(message: string, options: ErrorOptions & { readonly command?: string } = {}) {
    super(message, options)
    this.command = options.command
  }
}

/** Something outside is not as it must be (a file, an address); the message is all an operator needs. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  readonly code: number

  constructor(message: string, { code = EXIT.failure, ...options }: ErrorOptions & { readonly code?: number } = {}) {
    super(message, options)
    this.code = code
  }
}

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
