/**
 * What an operator's options read out of verified claims: the subject and the roles. A claim is named by its own key
 * (`https://example.com/roles`) or, where there is no such key, by a path of keys (`realm_access.roles`).
 * What is there but of the wrong kind refuses; nothing is guessed or repaired.
 */
import { AuthenticationRefused } from '../errors.ts'
import { isJsonObject, type JsonObject, show } from './jwt/json.ts'

const MAX_SUBJECT_BYTES = 255
const MAX_ROLES_COUNT = 500
const UNPRINTABLE = /[\p{Cc}\p{Surrogate}\u2028\u2029]/u

/** The claim of that name or path; undefined where there is none. */
export function findClaim(claims: JsonObject, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  let value: unknown = claims
  for (const key of path.split('.')) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
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

/**
 * Roles from an array of strings, or from one string separated by spaces as `scope` is [RFC 8693 §4.2]. None where the
 * claim is absent.
 * @throws {AuthenticationRefused} `rejected`
 */
export function readRoles(claims: JsonObject, path: string | undefined): readonly string[] {
  if (path === undefined) return []
  const value = findClaim(claims, path)
  if (value === undefined || value === null) return []
  const roles: readonly unknown[] = typeof value === 'string' ? value.split(' ').filter(Boolean) : asArray(value, path)
  if (roles.length > MAX_ROLES_COUNT) throw rejected(`the claim ${path} has more than ${MAX_ROLES_COUNT} roles`)
  return [...new Set(roles.map((role) => checkSubject(role, `a role in the claim ${path}`)))]
}

/** Makes a value out of JSON, and everything in it, unchangeable. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}

function asArray(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw rejected(`the claim ${path} is neither a list of strings nor a string`)
  return value
}

function rejected(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('rejected', detail)
}
