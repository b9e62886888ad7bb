/** What a reload is asked to do, what it says it did, and how it says no. */

/** What a reload is asked to do. */
export interface ReloadOptions {
  /** Does everything but the exchange, and gives examples of sessions that would end. */
  readonly dryRun?: boolean | undefined
  /** With `dryRun`: this YAML text instead of what is in the file. */
  readonly text?: string | undefined
  /** Only where the present configuration has this hash. */
  readonly ifHash?: string | undefined
}

/** A session that would end, and why. */
export interface ReloadExample {
  readonly session: string
  readonly subject: string
  readonly service: string
  readonly why: string
}

export interface ReloadReport {
  /** The one that is in force afterwards; of a dry run, the one that would be. */
  readonly generation: number
  readonly hash: string
  /** Places that differ: `services[0].permissions`. */
  readonly changes: readonly string[]
  readonly sessions: { readonly kept: number; readonly changed: number; readonly ended: number }
  /** Of a dry run: at most 20. */
  readonly examples?: readonly ReloadExample[] | undefined
}

/** In one line, for the log. */
export function reportText({ changes, sessions: { kept, changed, ended } }: ReloadReport): string {
  const where = changes.length === 0 ? 'the configuration is the same' : `changed: ${changes.join(', ')}`
  return `${where}; sessions: ${kept} kept, ${changed} changed, ${ended} ended`
}

/** Nothing has changed. `errors` has at least one line, with the place where there is one. */
export class ReloadRefused extends Error {
  override readonly name = 'ReloadRefused'
  /**
   * `busy`: another one is under way; `hash`: the present configuration is another one than asked for; `invalid`: the next
   * one cannot be served.
   */
  readonly code: 'busy' | 'hash' | 'invalid'
  readonly errors: readonly string[]

  constructor(code: ReloadRefused['code'], errors: readonly string[], options?: ErrorOptions) {
    super(errors.join('\n'), options)
    this.code = code
    this.errors = errors
  }
}
