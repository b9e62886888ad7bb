/** The keys that decrypt `{ encrypted }` secrets: read from where the configuration says, before any secret is. */

import { EncryptionError, type EncryptionKey, type Keyring, parseKeys } from '../../../auth/index.ts'
import type { Environment } from '../environment.ts'
import type { Finding } from '../reading/issues.ts'
import type { Config } from '../schema/schema.ts'
import { protectedText } from './protected-file.ts'

/** Largest key file. */
const KEYS_BYTES = 64 * 1024

export interface ReadKeys {
  /** In the order of the configuration: the first is the one to encrypt with. */
  readonly keys: Keyring
  readonly findings: readonly Finding[]
}

/** Reads all keys; what cannot be read is found wanting, and the others are there all the same. */
export function readKeys({ secretKeys }: Pick<Config, 'secretKeys'>, env: Environment): ReadKeys {
  const keys = new Map<string, EncryptionKey>()
  const findings: Finding[] = []
  for (const [index, source] of secretKeys.entries()) {
    const fail = (message: string) => findings.push({ path: ['secretKeys', index], at: 'value', message })
    const found = source.kind === 'env' ? fromEnvironment(env[source.name], source.name) : fromFile(source.path)
    if ('problem' in found) {
      fail(found.problem)
      continue
    }
    try {
      const parsed = parseKeys(found.text)
      if (parsed.size === 0) fail('there is no key in it: `gatehouse secret keygen` makes one')
      for (const [id, key] of parsed) {
        if (keys.has(id)) fail(`the key ${id} is already there, from another place`)
        else keys.set(id, key)
      }
    } catch (error) {
      if (!(error instanceof EncryptionError)) throw error
      fail(error.message)
    }
  }
  return { keys, findings }
}

function fromEnvironment(text: string | undefined, name: string): { text: string } | { problem: string } {
  return text ? { text } : { problem: `the environment variable ${name} is not set` }
}

function fromFile(path: string): { text: string } | { problem: string } {
  const file = protectedText(path, KEYS_BYTES)
  return 'problem' in file ? { problem: `${path}: ${file.problem}` } : file
}
