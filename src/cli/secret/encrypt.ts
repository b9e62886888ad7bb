/** `gatehouse secret encrypt`: one secret for one place of a configuration. */
import { encrypt, Secret } from '../../../auth/index.ts'
import { absentPlace } from '../../config/reading/absent-place.ts'
import { parseSecretKeys } from '../../config/reading/load.ts'
import { isSecretPlace } from '../../config/reading/places.ts'
import { ConfigError, parsePath } from '../../config/reading/problems.ts'
import { readConfigText } from '../config-text.ts'
import { EXIT, UsageError } from '../exit.ts'
import { needed, parseOptions } from '../options.ts'
import { readSecret } from '../prompt.ts'
import { complain, say, type Terminal } from '../terminal.ts'

export async function encryptSecret(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = { config: { type: 'string', short: 'c' }, at: { type: 'string' } } as const
  const { values } = parseOptions(args, { command: 'secret', options })
  const file = needed(values.config, '-c FILE', 'secret')
  const place = needed(values.at, '--at PLACE', 'secret')
  const path = parsePath(place)
  if (!path || !isSecretPlace(path)) {
    throw new UsageError(
      `secret: no secret stands at ${JSON.stringify(place)}; expected a place such as brokers.main.credentials.smithj.password`,
      { command: 'secret' },
    )
  }
  const { text } = readConfigText(file)
  const [key] = parseSecretKeys(text, file, terminal.env).values()
  if (!key) throw new ConfigError([{ file, path: 'secretKeys', message: 'missing: expected the key to encrypt with' }])
  const absent = absentPlace(text, path)
  if (absent !== undefined) complain(terminal, `warning: ${file}: ${absent}`)
  const value = encrypt(new Secret(await readSecret(terminal, 'Secret')), place, key)
  say(terminal, value)
  return EXIT.ok
}
