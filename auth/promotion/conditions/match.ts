/**
 * Whom a rule means: `when` in promotion rules, `for` in permissions. Keys are AND, a list is OR, no key is anyone.
 *
 * Values are compared exactly, character for character: a name that differs by case, by an invisible character or by
 * its Unicode form is another name. A role is compared with roles only, a subject with the subject only.
 */
import { type ClaimPath, claimPath } from '../../claim-path.ts'
import { InvalidConfiguration, type Mistake } from '../../errors.ts'
import { glob } from '../../glob.ts'
import type { Identity } from '../../identity.ts'
import { type AddressRanges, compileAddresses } from '../../net/addresses.ts'
import type { MatchInput, ValueInput, ValuesInput } from '../input.ts'
import { kindOf } from './claim.ts'
import { compileExpression } from './expression.ts'

/** What there is to know about a client when rules are asked. */
export interface MatchFacts {
  readonly identity: Identity
  /** After trusted proxies. */
  readonly address: string
  /** Those of the promotion rule that won, where there is one yet. */
  readonly tags?: readonly string[]
}

/** Where a client has the values that a condition is about. */
export interface FactPlace {
  /** No two places share one. */
  readonly name: string
  /** What is there; any of it will do. */
  values(facts: MatchFacts): readonly unknown[]
}

/** A condition that nobody meets but by one of these very values. */
export interface Exact {
  readonly place: FactPlace
  readonly values: readonly ExactValue[]
}

/** A compiled `when` or `for`. */
export interface Match {
  matches(facts: MatchFacts): boolean
  /** Why it does not match, in an operator's words; undefined when it does. */
  mismatch(facts: MatchFacts): string | undefined
  /** Those of its conditions that name exact values; whoever matches meets all of them. */
  readonly exact: readonly Exact[]
}

type ExactValue = string | number | boolean

interface Condition {
  mismatch(facts: MatchFacts): string | undefined
  readonly exact: Exact | undefined
}

/** One compiled value. */
interface Value {
  accepts(value: unknown): boolean
  /** The only value that it accepts; undefined where there are more. */
  readonly exact: ExactValue | undefined
}

/** One compiled value or list. */
interface Values {
  accepts(value: unknown): boolean
  readonly text: string
  /** All that it accepts, where that can be listed. */
  readonly exact: readonly ExactValue[] | undefined
}

const ROLES: FactPlace = { name: 'role', values: ({ identity }) => identity.roles }
const TAGS: FactPlace = { name: 'tag', values: ({ tags = [] }) => tags }
const KEYS = new Set(['subject', 'role', 'claim', 'issuer', 'authenticator', 'address', 'tag'])

/**
 * Compiles a `when`, or with `tags` a `for`.
 * @throws InvalidConfiguration with every mistake, their paths below `input`
 */
export function compileMatch(input: MatchInput | undefined, { tags = false }: { readonly tags?: boolean } = {}): Match {
  const problems: Mistake[] = []
  if (input?.tag !== undefined && !tags)
    problems.push({ path: ['tag'], message: 'there are no tags before a rule has won' })
  const conditions = input === undefined ? [] : [...conditionsOf(input, problems)]
  if (problems.length > 0) throw new InvalidConfiguration(problems)
  const mismatch: Match['mismatch'] = (facts) => {
    for (const condition of conditions) {
      const why = condition.mismatch(facts)
      if (why !== undefined) return why
    }
    return undefined
  }
  const exact = conditions.flatMap((condition) => condition.exact ?? [])
  return { mismatch, matches: (facts) => mismatch(facts) === undefined, exact }
}

function* conditionsOf(input: MatchInput, problems: Mistake[]): Generator<Condition> {
  for (const key of Object.keys(input)) {
    if (!KEYS.has(key))
      problems.push({ path: [key], message: `not a key to match by; there are ${[...KEYS].join(', ')}` })
  }
  for (const key of ['subject', 'issuer', 'authenticator'] as const) {
    const values = compileValues(input[key], [key], problems)
    if (values === undefined) continue
    const place: FactPlace = { name: key, values: ({ identity }) => [identity[key]] }
    yield oneOf(values, place, ({ identity }) => `${key} ${quote(identity[key])} is not`)
  }
  const roles = compileValues(input.role, ['role'], problems)
  if (roles !== undefined) yield oneOf(roles, ROLES, () => 'no role is')
  const tags = compileValues(input.tag, ['tag'], problems)
  if (tags !== undefined) yield oneOf(tags, TAGS, () => 'no tag is')
  if (input.claim !== undefined) {
    const claims = Object.entries(input.claim)
    if (claims.length === 0) problems.push({ path: ['claim'], message: 'names no claim; leave it out to match anyone' })
    for (const [name, wanted] of claims) {
      const path = compilePath(name, problems)
      const values = compileValues(wanted, ['claim', name], problems)
      if (path !== undefined && values !== undefined) yield claimCondition(path, values)
    }
  }
  if (input.address !== undefined) {
    const ranges = addressRanges(input.address, problems)
    const mismatch: Condition['mismatch'] = ({ address }) =>
      ranges.contain(address) ? undefined : `address ${quote(address)} is not in ${ranges.text}`
    yield { mismatch, exact: undefined }
  }
}

function compilePath(name: string, problems: Mistake[]): ClaimPath | undefined {
  try {
    return claimPath(name)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    problems.push({ path: ['claim', name], message: error.message })
    return undefined
  }
}

function claimCondition(path: ClaimPath, values: Values): Condition {
  const place: FactPlace = {
    name: `claim ${path.text}`,
    values({ identity }) {
      const claim = path.find(identity.claims)
      return Array.isArray(claim) ? (claim as readonly unknown[]) : [claim]
    },
  }
  return oneOf(
    values,
    place,
    ({ identity }) => `claim ${quote(path.text)} (${kindOf(path.find(identity.claims))}) is not`,
  )
}

/** `why` is said in front of the values that would do. */
function oneOf(values: Values, place: FactPlace, why: (facts: MatchFacts) => string): Condition {
  return {
    mismatch: (facts) =>
      place.values(facts).some((value) => values.accepts(value)) ? undefined : `${why(facts)} ${values.text}`,
    exact: values.exact === undefined ? undefined : { place, values: values.exact },
  }
}

function addressRanges(input: string | readonly string[], problems: Mistake[]): AddressRanges {
  try {
    return compileAddresses(input)
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error
    problems.push(...error.under('address').problems)
    return { contain: () => false, text: '' }
  }
}

function compileValues(
  input: ValuesInput | undefined,
  path: readonly string[],
  problems: Mistake[],
): Values | undefined {
  if (input === undefined) return undefined
  const list = isList(input) ? input : [input]
  if (list.length === 0)
    problems.push({ path, message: 'an empty list matches nobody; leave the key out to match anyone' })
  const compiled = list.map((value, index): Value => {
    try {
      return compileValue(value)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      problems.push({ path: isList(input) ? [...path, index] : path, message: error.message })
      return { accepts: () => false, exact: undefined }
    }
  })
  const exact = compiled.flatMap((one) => one.exact ?? [])
  return {
    accepts: (value) => compiled.some((one) => one.accepts(value)),
    exact: exact.length === compiled.length ? exact : undefined,
    text: list.length === 1 && list[0] !== undefined ? textOf(list[0]) : `one of ${list.map(textOf).join(', ')}`,
  }
}

function compileValue(input: ValueInput): Value {
  if (typeof input === 'number' || typeof input === 'boolean') return only(input)
  if (typeof input === 'string') {
    if (input === '') throw new Error('an empty text matches nobody')
    // Written by a person, whose editor may have chosen the other Unicode form of the same text.
    return only(input.normalize('NFC'))
  }
  const covers = 'glob' in input ? glob(nonEmpty(input.glob, 'glob').normalize('NFC')) : expression(input.matches)
  const accepts = (value: unknown): boolean => {
    if (typeof value === 'string') return value !== '' && covers(value)
    return (typeof value === 'number' || typeof value === 'boolean') && covers(String(value))
  }
  return { accepts, exact: undefined }
}

function only(exact: ExactValue): Value {
  return { accepts: (value) => value === exact, exact }
}

function expression(source: string): (value: string) => boolean {
  try {
    return compileExpression(nonEmpty(source, 'expression').normalize('NFC'))
  } catch (error) {
    throw error instanceof SyntaxError ? new Error(`not an expression that is spoken here: ${error.message}`) : error
  }
}

function nonEmpty(text: string, what: string): string {
  if (text === '') throw new Error(`an empty ${what} matches nobody`)
  return text
}

function isList(input: ValuesInput): input is readonly ValueInput[] {
  return Array.isArray(input)
}

function textOf(input: ValueInput): string {
  if (typeof input !== 'object') return quote(input)
  return 'glob' in input ? `glob ${quote(input.glob)}` : `matching ${quote(input.matches)}`
}

function quote(value: unknown): string {
  return JSON.stringify(value)
}
