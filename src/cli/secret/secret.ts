/** `gatehouse secret`: keys for secrets that stand encrypted in the configuration, and those secrets. */

import { suggestion } from '../../config/reading/nearest.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../exit.ts'
import { encryptSecret } from './encrypt.ts'
import { generateSecretKey } from './keygen.ts'
import { rotateSecrets } from './rotate.ts'

const FORMS = { keygen: generateSecretKey, encrypt: encryptSecret, rotate: rotateSecrets } as const

export const secretCommand: Command = {
  name: 'secret',
  summary: 'Make keys, encrypt secrets for a configuration, exchange their key.',
  usage: ['secret keygen [--id ID] > KEYFILE', 'secret encrypt -c FILE --at PLACE', 'secret rotate -c FILE'],
  help: `keygen   prints a new key; keep it in a file of mode 0600 or in the environment, and name it in \`secretKeys\`
encrypt  takes a secret (asked for, or one line from a pipe) and prints it encrypted, for exactly that place:
           gatehouse secret encrypt -c gatehouse.yaml --at brokers.main.credentials.smithj.password
         what it prints goes there, as { encrypted: "…" }; anywhere else it does not decrypt
rotate   encrypts all secrets of the file anew with the first of its \`secretKeys\`; comments and order stay

  -c, --config FILE   the configuration
  --at PLACE          where in it the secret will stand
  --id ID             the key's name (a random one)

To exchange a key: make a new one, put it first in \`secretKeys\`, rotate, deploy, and take the old one out.`,
  async run([form, ...rest], terminal) {
    const names = Object.keys(FORMS)
    if (form === undefined) throw new UsageError(`secret needs one of ${names.join(', ')}`, { command: 'secret' })
    if (form !== 'keygen' && form !== 'encrypt' && form !== 'rotate') {
      throw new UsageError(`there is no "secret ${form}"${suggestion(form, names)}`, { command: 'secret' })
    }
    return await FORMS[form](rest, terminal)
  },
}
