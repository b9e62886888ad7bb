/**
 * Password hashes: scrypt in the PHC string format, `$scrypt$ln=15,r=8,p=1$<salt>$<hash>` (base64 without padding).
 * Hashing runs on Node's thread pool; how many at once is hash-queue.ts's business. [RFC 7914]
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

export interface ScryptParameters {
  /** Binary logarithm of the cost: memory is 128 · 2^ln · r bytes. */
  readonly ln: number
  readonly r: number
  readonly p: number
}

export interface PasswordHash extends ScryptParameters {
  readonly salt: Buffer
  readonly digest: Buffer
}

/** 32 MiB and about a tenth of a second: a compromise between guessing offline and logging in by hundreds. */
export const DEFAULT_PARAMETERS: ScryptParameters = { ln: 15, r: 8, p: 1 }

/** Longest password in bytes of UTF-8, in Unicode's composed form. */
export const MAX_PASSWORD_BYTES = 1024

const MAX_MEMORY_BYTES = 128 * 1024 * 1024
const MAX_WORK = 2 ** 22
const SALT_BYTES = 16
const DIGEST_BYTES = 32
const FORM = /^\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/
const scryptAsync = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

/** Hashes a password with a fresh salt. @throws RangeError for a password that HTTP Basic could not carry */
export async function hashPassword(
  password: string,
  parameters: ScryptParameters = DEFAULT_PARAMETERS,
): Promise<string> {
  if (password === '' || Buffer.byteLength(password.normalize('NFC')) > MAX_PASSWORD_BYTES) {
    throw new RangeError(`a password has 1 to ${MAX_PASSWORD_BYTES} bytes`)
  }
  if (/\p{Cc}|\p{Cs}/u.test(password))
    throw new RangeError('a password has no control characters (a line break perhaps)')
  const wrong = parameterProblem(parameters)
  if (wrong !== undefined) throw new RangeError(wrong)
  const salt = randomBytes(SALT_BYTES)
  const digest = await derive(password, { ...parameters, salt, digest: Buffer.alloc(DIGEST_BYTES) })
  const { ln, r, p } = parameters
  return `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(digest)}`
}

/** Reads a hash. @throws SyntaxError saying what was expected; the message never shows the hash */
export function parsePasswordHash(text: string): PasswordHash {
  const [, ln, r, p, salt = '', digest = ''] = FORM.exec(text) ?? []
  if (ln === undefined) {
    throw new SyntaxError('expected a hash as "hash-password" prints it: $scrypt$ln=15,r=8,p=1$<salt>$<hash>')
  }
  const hash = {
    ln: Number(ln),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, 'base64'),
    digest: Buffer.from(digest, 'base64'),
  }
  const wrong = parameterProblem(hash)
  if (wrong !== undefined) throw new SyntaxError(wrong)
  if (hash.salt.length < 8 || hash.salt.length > 64 || unpadded(hash.salt) !== salt) {
    throw new SyntaxError('the hash has a damaged salt: expected 8 to 64 bytes in base64 without padding')
  }
  if (hash.digest.length < 16 || hash.digest.length > 64 || unpadded(hash.digest) !== digest) {
    throw new SyntaxError('the hash is damaged or cut short: expected 16 to 64 bytes in base64 without padding')
  }
  return hash
}

/** A hash that no password has, as costly to check as real ones with these parameters. */
export function phantomHash({ ln, r, p }: ScryptParameters = DEFAULT_PARAMETERS): PasswordHash {
  return { ln, r, p, salt: randomBytes(SALT_BYTES), digest: randomBytes(DIGEST_BYTES) }
}

/** Whether the password has this hash; compares in constant time. */
export async function verifyPassword(password: string, hash: PasswordHash): Promise<boolean> {
  const derived = await derive(password, hash)
  // HMAC, at the bottom of scrypt, fills short keys up with zeros: to it `x` and `x\0` are one password.
  return timingSafeEqual(derived, hash.digest) && !password.includes('\0')
}

async function derive(password: string, { ln, r, p, salt, digest }: PasswordHash): Promise<Buffer> {
  // The composed form, as RFC 7617 §2.1 asks of clients: the same password typed on another keyboard is the same.
  const options = { N: 2 ** ln, r, p, maxmem: 2 * MAX_MEMORY_BYTES }
  return await scryptAsync(password.normalize('NFC'), salt, digest.length, options)
}

function parameterProblem({ ln, r, p }: ScryptParameters): string | undefined {
  const whole = [ln, r, p].every((value) => Number.isInteger(value) && value >= 1)
  const work = 2 ** ln * r * p
  if (whole && ln >= 10 && 128 * 2 ** ln * r <= MAX_MEMORY_BYTES && work <= MAX_WORK) return undefined
  return 'scrypt parameters out of bounds: ln from 10, at most 128 MiB of memory (ln=17, r=8) and 2^22 of work'
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
