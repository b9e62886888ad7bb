/** `gatehouse secret keygen`: a new key, on standard output and nowhere else. */
import { EncryptionError, generateKey, type Secret } from '../../../auth/index.ts'
import { EXIT, UsageError } from '../exit.ts'
import { parseOptions } from '../options.ts'
import { say, type Terminal } from '../terminal.ts'

export async function generateSecretKey(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = parseOptions(args, { command: 'secret', options: { id: { type: 'string' } } })
  const bytes = newKey(values.id).reveal()
  say(terminal, bytes.toString())
  bytes.fill(0)
  return EXIT.ok
}

function newKey(id: string | undefined): Secret {
  try {
    return generateKey(id)
  } catch (error) {
    if (error instanceof EncryptionError)
      throw new UsageError(`secret: ${error.message}`, { command: 'secret', cause: error })
    throw error
  }
}
