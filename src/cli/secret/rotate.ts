/** `gatehouse secret rotate`: all secrets of a configuration, encrypted anew with the first of its keys. */
import { decrypt, EncryptionError, encrypt, type Keyring } from '../../../auth/index.ts'
import { type EncryptedValue, encryptedValues, withValues } from '../../config/files/encrypted-values.ts'
import { parseSecretKeys } from '../../config/reading/load.ts'
import { ConfigError, type Problem } from '../../config/reading/problems.ts'
import { readConfigText, replaceConfigText } from '../config-text.ts'
import { EXIT } from '../exit.ts'
import { needed, parseOptions } from '../options.ts'
import { say, type Terminal } from '../terminal.ts'

export async function rotateSecrets(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = { config: { type: 'string', short: 'c' } } as const
  const { values } = parseOptions(args, { command: 'secret', options })
  const file = needed(values.config, '-c FILE', 'secret')
  const { text } = readConfigText(file)
  const keys = parseSecretKeys(text, file, terminal.env)
  const found = encryptedValues(text, file)
  const changes = reencrypted(found, keys, file)
  if (changes.size > 0) replaceConfigText(file, withValues(text, changes))
  const [id] = keys.keys()
  say(terminal, `${file}: ${changes.size} of ${found.length} secrets encrypted anew with key ${id}`)
  if (changes.size === 0 && found.length > 0)
    say(terminal, 'Nothing to do: the first of secretKeys has encrypted all of them already. A new key goes before it.')
  return EXIT.ok
}

/** A new value for each that another key encrypted. All must decrypt, or nothing is changed. @throws ConfigError */
function reencrypted(found: readonly EncryptedValue[], keys: Keyring, file: string): Map<EncryptedValue, string> {
  const [key] = keys.values()
  if (!key) throw new ConfigError([{ file, path: 'secretKeys', message: 'missing: expected the key to encrypt with' }])
  const changes = new Map<EncryptedValue, string>()
  const problems: Problem[] = []
  for (const entry of found) {
    const { place, value, line } = entry
    try {
      const secret = decrypt(value, place, keys)
      if (keyIdOf(value) !== key.id) changes.set(entry, encrypt(secret, place, key))
    } catch (error) {
      if (!(error instanceof EncryptionError)) throw error
      problems.push({ file, line, path: place, message: error.message })
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return changes
}

/** `gatehouse:v1:<key id>:…` */
function keyIdOf(value: string): string | undefined {
  return value.split(':')[2]
}
