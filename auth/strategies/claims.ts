/**
 * What an operator's options read out of verified claims. What is there but of the wrong kind refuses; nothing is guessed
 * or repaired.
 */
import { claimPath } from '../claim-path.ts'
import { AuthenticationRefused } from '../errors.ts'
import { type JsonObject, show } from './jwt/json.ts'

const MAX_SUBJECT_BYTES = 255
const UNPRINTABLE = /[\p{Cc}\p{Surrogate}\u2028\u2029]/u

/** The claim of that name or path; undefined where there is none. */
export function findClaim(claims: JsonObject, path: string): unknown {
  return claimPath(path).find(claims)
}

/**
 * A subject from outside: 1 to 255 bytes of UTF-8 without control characters and without space at its ends.
 * @throws {AuthenticationRefused} `rejected`
 */
export function checkSubject(value: unknown, what: string): string {
  if (typeof value !== 'string') throw rejected(`${what} is ${value === undefined ? 'absent' : 'not a string'}`)
  if (value === '' || value.trim() !== value || UNPRINTABLE.test(value)) {
    throw rejected(`${what} ${show(value)} is empty, or has control characters or space at its ends`)
  }
  if (Buffer.byteLength(value) > MAX_SUBJECT_BYTES) throw rejected(`${what} is longer than ${MAX_SUBJECT_BYTES} bytes`)
  return value
}

/** Makes a value out of JSON, and everything in it, unchangeable. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}

function rejected(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('rejected', detail)
}
