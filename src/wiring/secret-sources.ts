/** Where the secrets of a configuration are read from. */
import type { SecretSources } from '../../auth/index.ts'
import type { Environment } from '../config/environment.ts'
import { KeptFiles } from '../config/files/kept-files.ts'
import { readKeys } from '../config/files/keyring.ts'
import { readProtected } from '../config/files/protected-file.ts'
import type { Config } from '../config/schema/schema.ts'

/** Each with files of its own, so that whoever asks for new ones judges and reads every file again. */
export function secretSources(
  config: Config,
  env: Environment,
  load: (module: string) => Promise<unknown>,
): SecretSources {
  const files = new KeptFiles(readProtected)
  return {
    readFile: async (path) => await files.read(path),
    env: (name) => env[name],
    keys: readKeys(config, env).keys,
    load,
  }
}
