/** Logins of `gatehouse login`, by the gateway that they are for: a file that only its owner may read. */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Environment } from '../../config/environment.ts'
import { protectedText } from '../../config/files/protected-file.ts'
import { CommandFailed } from '../exit.ts'

const MOST_BYTES = 1024 * 1024
const COOKIE = /^[A-Za-z0-9_-]+=[A-Za-z0-9_-]+$/

const schema = z.strictObject({ version: z.literal(1), logins: z.record(z.string(), z.string().regex(COOKIE)) })

export class KeptLogins {
  readonly #path: string | undefined

  /** @param env whose `XDG_STATE_HOME` or `HOME` says where the file is */
  constructor({ XDG_STATE_HOME: state, HOME: home }: Environment) {
    const folder = state || (home ? join(home, '.local', 'state') : undefined)
    this.#path = folder === undefined ? undefined : join(folder, 'gatehouse', 'logins.json')
  }

  /** The cookie of the login at a gateway. @throws CommandFailed where the file is not one of ours, or others may read it */
  of(url: URL): string | undefined {
    return this.#read()[keyOf(url)]
  }

  /** @throws CommandFailed */
  keep(url: URL, cookie: string): void {
    this.#write({ ...this.#read(), [keyOf(url)]: cookie })
  }

  /** @throws CommandFailed */
  forget(url: URL): void {
    const { [keyOf(url)]: gone, ...others } = this.#read()
    if (gone !== undefined) this.#write(others)
  }

  #read(): Readonly<Record<string, string>> {
    if (this.#path === undefined) return {}
    const file = protectedText(this.#path, MOST_BYTES)
    if ('problem' in file) {
      if (file.problem === 'no such file') return {}
      throw new CommandFailed(`${this.#path}: ${file.problem}`)
    }
    if (file.readable) throw new CommandFailed(`${this.#path}: everybody may read this file (chmod o-r)`)
    const parsed = schema.safeParse(jsonOf(file.text))
    if (!parsed.success) throw new CommandFailed(`${this.#path}: expected logins as gatehouse writes them: remove it`)
    return parsed.data.logins
  }

  #write(logins: Readonly<Record<string, string>>): void {
    if (this.#path === undefined) throw new CommandFailed('there is no place to keep a login: set HOME')
    const next = `${this.#path}.next`
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    writeFileSync(next, `${JSON.stringify({ version: 1, logins })}\n`, { mode: 0o600 })
    // One that was there keeps its mode.
    chmodSync(next, 0o600)
    renameSync(next, this.#path)
  }
}

/** Whoever answers at another address gets nothing. */
function keyOf({ origin, pathname }: URL): string {
  return `${origin}${pathname.replace(/\/+$/, '')}`
}

/** Undefined is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
