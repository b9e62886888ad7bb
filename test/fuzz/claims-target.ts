/**
 * Claims of odd shapes, and tokens whose claims are spoilt: everything that reads them until somebody has roles, a rule and
 * names of queues. Nobody gets a role or a name that is not written there, and what is refused is refused by name.
 */
import { strict as assert } from 'node:assert/strict'
import { claimPath } from '../../auth/claim-path.ts'
import { leftOutClaims, leftOutText } from '../../auth/left-out-claims.ts'
import { compileMatch } from '../../auth/promotion/conditions/match.ts'
import { word as asWord, compileTemplate } from '../../auth/promotion/conditions/variables.ts'
import { readRoles } from '../../auth/strategies/claimed-roles.ts'
import { checkSubject, findClaim } from '../../auth/strategies/claims.ts'
import { parseStrictObject } from '../../auth/strategies/jwt/json.ts'
import { quotedPath, separatorAt, writtenRoles } from '../support/claim-shapes.ts'
import type { Random } from '../support/random.ts'
import { spoilt } from './spoilt.ts'

const KEYS = ['groups', 'roles', 'scope', 'scp', 'a.b', '__proto__', 'constructor', 'toString', '', 'x"y', 'x\\y', 'é']
const ODD_KEYS = [
  'hasgroups',
  '_claim_names',
  '_claim_sources',
  'sub',
  'length',
  '0',
  '-1',
  'groups\u0000',
  '\u{1f600}',
]
const WORDS = [
  'trader',
  'Trading Floor',
  'a b',
  'a,b',
  'CN=x,OU=y',
  '',
  ' ',
  '*',
  '#',
  '${subject}',
  '\0',
  '\u2028',
  'joe.smith',
]
const SEPARATORS = [undefined, undefined, ',', '|', ' ', ';;']
const DEPTH_MAX = 5
const WIDTH_MAX = 5
/** Longer than a subject may be. */
const LONG = 'ab'.repeat(200)

export function claimsTarget(random: Random): void {
  const made = object(random, random.below(DEPTH_MAX))
  const claims = random.chance(2) ? made : spoiltClaims(made, random)
  if (claims === undefined) return
  const path = random.chance(4) ? anyPath(random) : pathInto(claims, random)
  if (path.length === 0) return
  judge(claims, path, random)
}

function judge(claims: Readonly<Record<string, unknown>>, keys: readonly string[], random: Random): void {
  const path = quotedPath(keys)
  const at = claimPath(path).find(claims)
  const separator = random.pick(SEPARATORS)
  const source = { path, separator, from: random.pick(['value', 'keys'] as const) }
  const written = writtenRoles(at, separatorAt(keys, separator))
  const roles = refusedOr(() => readRoles(claims, source)) ?? []
  for (const role of roles) assert.ok(written.has(role), `${JSON.stringify(role)} is no role of ${JSON.stringify(at)}`)
  assert.equal(new Set(roles).size, roles.length, 'a role twice')
  const subject = refusedOr(() => checkSubject(findClaim(claims, path), 'the subject'))
  assert.ok(subject === undefined || subject === at, 'a subject that is not written there')
  assert.match(leftOutText(claims), /^\P{Cc}*$/u)
  for (const name of leftOutClaims(claims)) assert.ok(!Object.hasOwn(claims, name), `${name} is not left out`)
  rules({ claims, roles, subject: subject ?? 'joe' }, path, at)
}

/** To something that is there, most often. A path has no empty keys. */
function pathInto(claims: Readonly<Record<string, unknown>>, random: Random): string[] {
  const path: string[] = []
  for (let inside: unknown = claims; typeof inside === 'object' && inside !== null && !Array.isArray(inside); ) {
    const keys = Object.keys(inside).filter((key) => key !== '')
    if (keys.length === 0 || (path.length > 0 && random.chance(3))) break
    const key = random.pick(keys)
    path.push(key)
    inside = (inside as Record<string, unknown>)[key]
  }
  return path
}

function anyPath(random: Random): string[] {
  const keys = Array.from({ length: 1 + random.below(3) }, () => random.pick(random.chance(2) ? KEYS : ODD_KEYS))
  return keys.filter((key) => key !== '')
}

/** Conditions and variables answer, or refuse; a variable stands for one word. */
function rules(
  { claims, roles, subject }: { claims: Readonly<Record<string, unknown>>; roles: readonly string[]; subject: string },
  path: string,
  at: unknown,
): void {
  const identity = { issuer: 'i', subject, authenticator: 'a', roles, claims, fromCookie: false }
  const facts = { identity, address: '203.0.113.7', session: 's' }
  const isTrader = at === 'trader' || (Array.isArray(at) && at.includes('trader'))
  assert.equal(compileMatch({ claim: { [path]: 'trader' } }).matches(facts), isTrader)
  assert.equal(compileMatch({ role: 'trader' }).matches(facts), roles.includes('trader'))
  const word = refusedOr(() => compileTemplate(`\${claim.${path}}`).render(facts, asWord))
  assert.ok(word === undefined || /^[\w%-]+$/.test(word), `${JSON.stringify(word)} is more than one word`)
}

/** As they arrive in a token: JSON, with some of its bytes spoilt. */
function spoiltClaims(claims: object, random: Random): Readonly<Record<string, unknown>> | undefined {
  return refusedOr(() => parseStrictObject(spoilt(Buffer.from(JSON.stringify(claims)), random), 'the token'))
}

function object(random: Random, depth: number): Record<string, unknown> {
  const made = Object.create(null) as Record<string, unknown>
  for (let more = random.below(WIDTH_MAX); more > 0; more--)
    made[random.pick(random.chance(3) ? ODD_KEYS : KEYS)] = value(random, depth)
  return made
}

function value(random: Random, depth: number): unknown {
  const kind = random.below(depth > 0 ? 9 : 6)
  if (kind < 3) return random.pick(WORDS)
  if (kind === 3) return random.pick([null, true, false, 0, -1, 1.5, 1e300, Number.MAX_SAFE_INTEGER])
  if (kind === 4) return LONG.slice(0, random.below(LONG.length))
  if (kind === 5) return Array.from({ length: random.below(WIDTH_MAX) }, () => random.pick(WORDS))
  if (kind === 6) return Array.from({ length: random.below(WIDTH_MAX) }, () => value(random, depth - 1))
  return object(random, depth - 1)
}

/** The value, or undefined where it was refused. @throws whatever is no refusal: that is a find */
function refusedOr<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof Error && ['AuthenticationRefused', 'PromotionRefused'].includes(error.name)) return undefined
    throw error
  }
}
