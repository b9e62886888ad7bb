/**
 * Roles out of what a provider or a proxy wrote. One text is one role, whatever characters it has: it is split only
 * where its own specification says so, as for `scope` [RFC 8693 §4.2] and `scp`, or where the operator names a
 * separator. An entry of a list is one role always.
 */
import { claimPath } from '../claim-path.ts'
import { AuthenticationRefused } from '../errors.ts'
import { checkSubject } from './claims.ts'
import { isJsonObject, type JsonObject, show } from './jwt/json.ts'

/** Where roles are, and how they are written there. */
export interface RolesSource {
  /** The claim, or path of claims. */
  readonly path: string
  /** What stands between roles in one text; absent: a blank in `scope` and `scp`, nothing elsewhere. */
  readonly separator?: string | undefined
  /** `value`: a list or a text; `keys`: an object whose keys are the roles, as Zitadel writes them. */
  readonly from?: 'value' | 'keys' | undefined
}

const MAX_ROLES_COUNT = 500
/** Claims that are a list of words by their own specification. */
const SCOPE_LIKE = ['scope', 'scp']

/**
 * The roles in claims; none where the claim is absent.
 * @throws {AuthenticationRefused} `rejected`, for a claim of another kind and for what cannot be a role
 */
export function readRoles(claims: JsonObject, source: RolesSource | undefined): readonly string[] {
  if (source === undefined) return []
  const { path, separator, from = 'value' } = source
  const claim = claimPath(path)
  const value = claim.find(claims)
  if (value === undefined || value === null) return []
  const where = `the claim ${path}`
  if (from === 'keys') return checkRoles(keysOf(value, where), where)
  if (typeof value !== 'string') return checkRoles(listOf(value, where), where)
  const between = separator ?? (SCOPE_LIKE.includes(claim.lastKey) ? ' ' : undefined)
  return checkRoles(splitRoles(value, between), where)
}

/** The roles in one text: what stands between separators, without the space around it. The text itself where there is none. */
export function splitRoles(text: string, separator: string | undefined): readonly string[] {
  if (separator === undefined) return text === '' ? [] : [text]
  const parts = text.split(separator).map((part) => part.trim())
  return parts.filter((part) => part !== '')
}

/**
 * Each role once. `where` names their place in the refusal.
 * @throws {AuthenticationRefused} `rejected`
 */
export function checkRoles(roles: readonly unknown[], where: string): readonly string[] {
  if (roles.length > MAX_ROLES_COUNT) throw rejected(`${where} has more than ${MAX_ROLES_COUNT} roles`)
  return [...new Set(roles.map((role) => checkSubject(role, `a role in ${where}`)))]
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  const advice = isJsonObject(value) ? '; where its keys are the roles: rolesFrom: keys' : ''
  throw rejected(`${where} is neither a list of strings nor a string${advice}`)
}

/** A key counts with an object or `true` behind it: anything else may mean that the role is not given. */
function keysOf(value: unknown, where: string): readonly string[] {
  if (!isJsonObject(value)) throw rejected(`${where} is not an object whose keys are roles`)
  for (const [role, given] of Object.entries(value)) {
    if (given === true || isJsonObject(given)) continue
    throw rejected(`${where} has the role ${show(role)} with ${show(given)}: neither an object nor true`)
  }
  return Object.keys(value)
}

function rejected(detail: string): AuthenticationRefused {
  return new AuthenticationRefused('rejected', detail)
}
