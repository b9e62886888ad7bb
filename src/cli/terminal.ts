/**
 * What a command has of the world: arguments' surroundings, input, output. Handed in, so that a test can be the world.
 */
import type { Readable } from 'node:stream'
import type { Environment } from '../config/environment.ts'

export interface Output {
  write(text: string): unknown
  /** Where it is a screen, and how large. */
  readonly isTTY?: boolean
  readonly rows?: number
}

/** Standard input; `setRawMode` is there where it is a terminal. */
export type Input = Readable & { readonly isTTY?: boolean; setRawMode?(isRaw: boolean): unknown }

export interface Terminal {
  readonly stdin: Input
  /** Results, for people and programs. */
  readonly stdout: Output
  /** Everything else. */
  readonly stderr: Output
  readonly env: Environment
}

/** One line on standard output. */
export function say(terminal: Terminal, line: string): void {
  terminal.stdout.write(`${line}\n`)
}

/** One line on standard error. */
export function complain(terminal: Terminal, line: string): void {
  terminal.stderr.write(`${line}\n`)
}
