/**
 * What the broker is shown, in the bytes it wants:
 *
 *   PLAIN     NUL user NUL password                                     [RFC 4616 §2]
 *   AMQPLAIN  LOGIN S length user, PASSWORD S length password           a field table without its length [AMQP §4.2.5.5]
 *   EXTERNAL  nothing: the broker looks at the connection's certificate [RFC 4422 appendix A]
 *
 * Everything is validated before it leaves: a NUL would end the user's name on the broker's side, and RabbitMQ writes
 * a response it cannot read into its log.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { BrokerCredential, CredentialRenewal, SaslMechanism } from '../../../proxy/index.ts'
import { PromotionRefused } from '../../errors.ts'
import type { Secret } from '../../secret.ts'
import { hasControlCharacter, hasLoneSurrogate } from '../conditions/variables.ts'

/** RabbitMQ's user that may log in from the broker's own machine only, where a gateway often runs. */
const LOOPBACK_USER = 'guest'
const MAX_USERNAME_BYTES = 255
const FINGERPRINT_KEY = randomBytes(32)

export interface PromotedCredential extends BrokerCredential {
  /**
   * Stands for this user with this secret, and for no other; says nothing about it outside this process. Computed when it
   * is first asked for: where no broker has lately refused anything, nobody asks.
   */
  fingerprint(): string
  /** The secret is the client's own, or made of it: when it brings a fresh one, the broker has to see what becomes of that. */
  readonly isPassedOn: boolean
}

export interface BrokerCredentialOptions {
  readonly username: string
  readonly mechanisms: readonly SaslMechanism[]
  /** Absent for EXTERNAL. */
  readonly password?: Secret
  readonly renewal?: CredentialRenewal
  readonly isPassedOn?: boolean
}

export function brokerCredential(options: BrokerCredentialOptions): PromotedCredential {
  const { username, mechanisms, password, renewal, isPassedOn = false } = options
  let fingerprint: string | undefined
  return {
    username,
    mechanisms,
    isPassedOn,
    fingerprint() {
      fingerprint ??= fingerprintOf(username, password)
      return fingerprint
    },
    response(mechanism) {
      if (!mechanisms.includes(mechanism)) throw new RangeError(`this credential does not answer ${mechanism}`)
      if (password === undefined) return Buffer.alloc(0)
      const user = Buffer.from(username)
      const secret = password.reveal()
      const parts =
        mechanism === 'PLAIN'
          ? [Buffer.alloc(1), user, Buffer.alloc(1), secret]
          : [tableKey('LOGIN', user.length), user, tableKey('PASSWORD', secret.length), secret]
      const response = joined(parts)
      secret.fill(0)
      return response
    },
    ...(password === undefined ? {} : { secret: () => password.reveal() }),
    ...(renewal === undefined ? {} : { renewal }),
  }
}

/** What is wrong with a broker user's name, if anything. */
export function usernameProblem(name: string, allowLoopbackUser: boolean): string | undefined {
  if (name === '') return 'is an empty text'
  if (name.includes('\0')) return 'holds a NUL character'
  if (hasControlCharacter(name)) return 'holds control characters'
  if (hasLoneSurrogate(name)) return 'holds half a character'
  const bytes = Buffer.byteLength(name)
  if (bytes > MAX_USERNAME_BYTES) return `has ${bytes} bytes, at most ${MAX_USERNAME_BYTES} are allowed`
  if (name === LOOPBACK_USER && !allowLoopbackUser) {
    return `is "${LOOPBACK_USER}", whom RabbitMQ trusts for being on its own machine; use another, or say allowLoopbackUser: true`
  }
  return undefined
}

/** @throws PromotionRefused 'secret-unavailable' for NUL and every other control byte */
export function refuseControlBytes(secret: Secret): void {
  const bytes = secret.reveal()
  const found = bytes.find(isControlByte)
  bytes.fill(0)
  if (found === undefined) return
  const what = found === 0 ? 'a NUL character' : 'a control character (a line break perhaps)'
  throw new PromotionRefused('secret-unavailable', `the secret holds ${what}`)
}

function isControlByte(byte: number): boolean {
  return byte < 0x20 || byte === 0x7f
}

function fingerprintOf(username: string, password: Secret | undefined): string {
  const hmac = createHmac('sha256', FINGERPRINT_KEY).update(`${Buffer.byteLength(username)}:${username}`)
  const secret = password?.reveal()
  if (secret !== undefined) hmac.update(secret)
  secret?.fill(0)
  return hmac.digest('base64url')
}

/** Key, type `S` and length of one long string in a field table. [AMQP §4.2.5.5] */
function tableKey(key: string, valueBytes: number): Buffer {
  const head = Buffer.alloc(1 + key.length + 1 + 4)
  head.writeUInt8(key.length, 0)
  head.write(`${key}S`, 1, 'latin1')
  head.writeUInt32BE(valueBytes, 2 + key.length)
  return head
}

/** Unlike `Buffer.concat`, never in the shared pool. */
function joined(parts: readonly Buffer[]): Buffer {
  const whole = Buffer.alloc(parts.reduce((bytes, part) => bytes + part.length, 0))
  let offset = 0
  for (const part of parts) offset += part.copy(whole, offset)
  return whole
}
