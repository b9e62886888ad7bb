/** How a command ends: exit codes of sysexits.h, and the errors that stand for them. */

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
