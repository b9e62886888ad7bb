/**
 * Values in the store, sealed: whoever reads the store learns nothing of them, and whoever writes to it makes none.
 * AES-256-GCM [NIST SP 800-38D] under a key that HKDF [RFC 5869] derives from one of `state.key` and, where there is one,
 * from what only the client has (its ticket, its cookie). Where the value stands is authenticated with it, so that none can
 * be moved.
 *
 *   s1.<key id>.<base64url of nonce (12 bytes), ciphertext, tag (16 bytes)>
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { EncryptionKey, Keyring } from '../../auth/index.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32
const VERSION = 's1'
const NOTHING = Buffer.alloc(0)

/** What a value is sealed for. */
export interface SealedPlace {
  /** Which kind of value: keys of one kind open no other. */
  readonly kind: string
  /** Where it stands. */
  readonly name: string
  /** What only the client has; undefined: `state.key` alone opens it. */
  readonly secret?: Buffer | undefined
}

export class Sealer {
  readonly #keys: Keyring
  readonly #first: EncryptionKey
  readonly #nameKey: Buffer

  /** @param keys the first seals, all open; there is at least one */
  constructor(keys: Keyring) {
    const [first] = keys.values()
    if (first === undefined) throw new TypeError('a sealer needs a key')
    this.#keys = keys
    this.#first = first
    this.#nameKey = derive(first, 'names', NOTHING)
  }

  seal(plain: string | Buffer, place: SealedPlace): string {
    const { id } = this.#first
    const nonce = randomBytes(NONCE_BYTES)
    const key = derive(this.#first, place.kind, place.secret ?? NOTHING)
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    key.fill(0)
    cipher.setAAD(associated(id, place))
    const bytes = typeof plain === 'string' ? Buffer.from(plain) : plain
    const body = Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    bytes.fill(0)
    return `${VERSION}.${id}.${body.toString('base64url')}`
  }

  /** Undefined for whatever was not sealed for this place with one of the keys. */
  open(sealed: unknown, place: SealedPlace): string | undefined {
    if (typeof sealed !== 'string') return undefined
    const [version, id = '', encoded = '', ...rest] = sealed.split('.')
    const found = this.#keys.get(id)
    const body = Buffer.from(encoded, 'base64url')
    if (version !== VERSION || found === undefined || rest.length > 0) return undefined
    if (body.length < NONCE_BYTES + TAG_BYTES || body.toString('base64url') !== encoded) return undefined
    const key = derive(found, place.kind, place.secret ?? NOTHING)
    const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    key.fill(0)
    decipher.setAAD(associated(id, place))
    decipher.setAuthTag(body.subarray(-TAG_BYTES))
    try {
      const plain = decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES))
      decipher.final()
      return plain.toString()
    } catch {
      return undefined
    }
  }

  /** A name for something that the store must not know, such as a person; the same in all processes with this first key. */
  nameOf(...parts: readonly string[]): string {
    return createHmac('sha256', this.#nameKey).update(JSON.stringify(parts)).digest('base64url')
  }
}

function derive({ key }: EncryptionKey, kind: string, secret: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, secret, `gatehouse state ${kind}`, KEY_BYTES))
}

/** No part can run into the next one: ids and kinds have no line breaks. */
function associated(id: string, { kind, name }: SealedPlace): Buffer {
  return Buffer.from(`${VERSION}\n${id}\n${kind}\n${name}`)
}
