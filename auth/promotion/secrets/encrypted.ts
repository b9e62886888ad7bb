/**
 * Secrets encrypted inside the configuration file: AES-256-GCM under a key that lives elsewhere.
 *
 *   gatehouse:v1:<key id>:<base64url of nonce (12 bytes), ciphertext, tag (16 bytes)>
 *   gatehouse-key:v1:<key id>:<base64url of the key (32 bytes)>
 *
 * The key id and the place in the file are authenticated with it: a text that was altered, or moved to another place,
 * does not decrypt. [NIST SP 800-38D]
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { Secret } from '../../secret.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/
const BASE64URL = /^[A-Za-z0-9_-]*$/
const TEXT_PREFIX = 'gatehouse:v1'
const KEY_PREFIX = 'gatehouse-key:v1'

/** A key and its name. The key object shows nothing of itself when printed. */
export interface EncryptionKey {
  readonly id: string
  readonly key: KeyObject
}

/** Keys by id: the one that encrypts and all that may still decrypt. */
export type Keyring = ReadonlyMap<string, EncryptionKey>

/** An encrypted secret or a key cannot be used. The message names the key id and never the secret. */
export class EncryptionError extends Error {
  override readonly name = 'EncryptionError'
}

/** Makes a new key, as the one line that belongs into the key file. The id is drawn at random unless given. */
export function generateKey(id = `k${randomBytes(4).toString('hex')}`): Secret {
  if (!KEY_ID.test(id)) throw new EncryptionError('a key id is 1 to 32 letters, digits, "-" or "_"')
  return new Secret(`${KEY_PREFIX}:${id}:${randomBytes(KEY_BYTES).toString('base64url')}`)
}

/**
 * Reads keys, one on each line; empty lines and lines that begin with `#` are skipped. The first is the one to encrypt with.
 * @throws EncryptionError naming the line, never its text
 */
export function parseKeys(text: string): Keyring {
  const keys = new Map<string, EncryptionKey>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const [name, version, id, encoded, ...rest] = trimmed.split(':')
    const bytes = encoded !== undefined && BASE64URL.test(encoded) ? Buffer.from(encoded, 'base64url') : undefined
    if (
      `${name}:${version}` !== KEY_PREFIX ||
      id === undefined ||
      !KEY_ID.test(id) ||
      bytes?.length !== KEY_BYTES ||
      rest.length > 0
    ) {
      throw new EncryptionError(
        `line ${index + 1} is not a key: expected ${KEY_PREFIX}:<id>:<43 characters of base64url>`,
      )
    }
    if (keys.has(id)) throw new EncryptionError(`line ${index + 1}: there is a key "${id}" already`)
    keys.set(id, { id, key: createSecretKey(bytes) })
    bytes.fill(0)
  }
  return keys
}

/** Encrypts for one place of the configuration file, such as `brokers.main.credentials.smithj.password`. */
export function encrypt(secret: Secret, place: string, { id, key }: EncryptionKey): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(associatedData(id, place))
  const plain = secret.reveal()
  const body = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  plain.fill(0)
  return `${TEXT_PREFIX}:${id}:${body.toString('base64url')}`
}

/**
 * Decrypts what was encrypted for this place.
 * @throws EncryptionError not an encrypted secret · no such key · altered, or moved from another place
 */
export function decrypt(text: string, place: string, keys: Keyring): Secret {
  const [name, version, id, encoded, ...rest] = text.split(':')
  const body = encoded !== undefined && BASE64URL.test(encoded) ? Buffer.from(encoded, 'base64url') : undefined
  if (
    `${name}:${version}` !== TEXT_PREFIX ||
    id === undefined ||
    !KEY_ID.test(id) ||
    body === undefined ||
    rest.length > 0
  ) {
    throw new EncryptionError(
      `not an encrypted secret: expected ${TEXT_PREFIX}:<key id>:<base64url>, as "secret encrypt" prints it`,
    )
  }
  if (body.length < NONCE_BYTES + TAG_BYTES || body.toString('base64url') !== encoded) {
    throw new EncryptionError(`the secret encrypted with key "${id}" is cut short or altered`)
  }
  const found = keys.get(id)
  if (found === undefined) {
    const known = keys.size === 0 ? 'there are no keys' : `known keys: ${[...keys.keys()].join(', ')}`
    throw new EncryptionError(`the secret is encrypted with key "${id}", which is missing (${known})`)
  }
  const decipher = createDecipheriv('aes-256-gcm', found.key, body.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(associatedData(id, place))
  decipher.setAuthTag(body.subarray(-TAG_BYTES))
  let plain: Buffer | undefined
  try {
    plain = decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES))
    decipher.final()
    return new Secret(plain)
  } catch (cause) {
    throw new EncryptionError(
      `the secret does not decrypt with key "${id}": it was altered, or encrypted for another place than ${place}, or with another key of that id`,
      { cause },
    )
  } finally {
    plain?.fill(0)
  }
}

/** The id cannot hold a colon, so id and place cannot run into each other. */
function associatedData(id: string, place: string): Buffer {
  return Buffer.from(`${TEXT_PREFIX}:${id}:${place}`)
}
