/**
 * What the schema has to complain about, in an operator's words: one finding for each mistake, with its path.
 *
 * Where several shapes would do (a union), only the one that was most likely meant is talked about.
 */
import type { z } from 'zod'
import { nearest, suggestedIn, suggestion } from './nearest.ts'
import type { Path } from './problems.ts'

/** A mistake whose place is not looked up yet. */
export interface Finding {
  readonly path: Path
  /** Which of the two the message is about. */
  readonly at: 'key' | 'value'
  readonly message: string
  /** The key is not repeated: text that slipped into its place may be a secret. */
  readonly hidesKey?: true
  /** For an unknown key, the one that was most likely meant. */
  readonly meant?: Path
  /** For an unknown name or word, the one that was most likely meant. */
  readonly meantValue?: string
  /** What it is missing: says nothing while that place has a mistake of its own. */
  readonly refersTo?: Path | undefined
  /** A number or a boolean was expected there: the text of an environment variable may be one. */
  readonly wants?: 'number' | 'boolean'
}

type Issue = z.core.$ZodIssue
type RawIssue = z.core.$ZodRawIssue

/** A union without words of its own: one entry, or a list of them. */
const ONE_OR_MANY = 'expected one entry or a list'

const PLAIN_KEY = /^(?:[A-Za-z][A-Za-z0-9_-]{0,31}|<<)$/
const STRANGE_KEY = 'unknown key; text with a comma, colon or # in it must be in quotes'

const TYPES: Readonly<Record<string, string>> = {
  object: 'a mapping (key: value)',
  record: 'a mapping (name: value)',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

/** Keys that only one kind of file has, beside one that only the other has: whose file it is, and who judges it. */
function ownerOf(key: string, known: readonly string[]): string | undefined {
  if (key === 'inner' && known.includes('brokers'))
    return 'this is the configuration of a door: `gatehouse door --check -c FILE` judges it'
  if ((key === 'brokers' || key === 'services') && known.includes('inner'))
    return 'this is the configuration of a gateway: `gatehouse check -c FILE` judges it'
  return undefined
}

/** Words for what the schema itself has no words for. Several unknown keys give one line each. */
export function schemaText(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(issue.inst)
      return issue.keys.map((key) => ownerOf(key, known) ?? `unknown key${suggestion(key, known)}`).join('\n')
    }
    case 'invalid_type':
      return `expected ${TYPES[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `expected ${oneOf(issue.values)}${near(issue.input, issue.values)}`
    case 'invalid_union':
      return Array.isArray(issue.options) ? tagText(discriminator(issue), issue.options) : ONE_OR_MANY
    case 'invalid_key':
      return issue.issues[0]?.message
    default:
      return undefined
  }
}

function knownKeys(schema: RawIssue['inst']): string[] {
  const def: unknown = schema?._zod.def
  const shape = def !== null && typeof def === 'object' && 'shape' in def ? def.shape : undefined
  return shape !== null && typeof shape === 'object' ? Object.keys(shape) : []
}

function discriminator(issue: { readonly input?: unknown; readonly discriminator?: string | undefined }): unknown {
  const { input, discriminator: key } = issue
  return key !== undefined && input !== null && typeof input === 'object' ? Reflect.get(input, key) : input
}

function tagText(tag: unknown, options: readonly unknown[]): string {
  return `${tag === undefined ? 'missing: ' : ''}expected ${oneOf(options)}${near(tag, options)}`
}

function oneOf(values: readonly unknown[]): string {
  const words = values.map((value) => (value === '' ? '""' : String(value)))
  return words.length === 1 ? (words[0] ?? '') : `one of ${words.join(', ')}`
}

/** Only a known value is ever named: what was written stays unsaid. */
function near(input: unknown, values: readonly unknown[]): string {
  if (typeof input !== 'string' || values.length === 1) return ''
  const text = suggestion(input, values.map(String))
  return text.startsWith('; did') ? text : ''
}

/** All mistakes of a parse that was asked to report its input. */
export function findings(issues: readonly Issue[], at: Path = []): Finding[] {
  return issues.flatMap((issue) => finding(issue, [...at, ...pathOf(issue)]))
}

function finding(issue: Issue, path: Path): Finding[] {
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n')
    return issue.keys.map((key, index) => unknownKey(path, key, messages[index] ?? 'unknown key'))
  }
  if (issue.code === 'invalid_key') return [{ path, at: 'key', message: issue.message }]
  if (issue.code === 'invalid_union' && issue.input !== undefined) {
    const branch = meant(issue)
    if (branch) return findings(branch, path)
  }
  const mistyped = mistypedTag(issue)
  if (mistyped !== undefined) {
    const holder = path.slice(0, -1)
    return [unknownKey(holder, mistyped, `unknown key${suggestion(mistyped, [String(path.at(-1))])}`)]
  }
  if ('input' in issue && issue.input === undefined) {
    return [{ path, at: 'value', message: `missing: ${wordsFor(issue)}` }]
  }
  const isTag = issue.code === 'invalid_union' && issue.discriminator !== undefined
  const got =
    issue.code === 'invalid_type' || (issue.code === 'invalid_union' && !isTag) ? kindOf(issue.input) : undefined
  const message = got === undefined ? issue.message : `${issue.message}, got ${got}`
  const wants = wanted(issue)
  const meantValue = suggestedIn(message)
  const more = { ...(wants !== undefined && { wants }), ...(meantValue !== undefined && { meantValue }) }
  return [{ path, at: 'value', message, ...more }]
}

function unknownKey(path: Path, key: string, message: string): Finding {
  const finding = { path: [...path, key], at: 'key', message } as const
  if (!PLAIN_KEY.test(key)) return { ...finding, hidesKey: true, message: STRANGE_KEY }
  const near = suggestedIn(message)
  return near === undefined ? finding : { ...finding, meant: [...path, near] }
}

/** The key that stands for the one that tells shapes apart: without that, nothing else of the mapping is judged. */
function mistypedTag(issue: Issue): string | undefined {
  if (issue.code !== 'invalid_union' || issue.discriminator === undefined) return undefined
  const { input, discriminator } = issue
  if (input === null || typeof input !== 'object' || discriminator in input) return undefined
  return Object.keys(input).find((key) => PLAIN_KEY.test(key) && nearest(key, [discriminator]) !== undefined)
}

/** A name that refers to nothing, and the known one that is nearest. */
export function unknownName(path: Path, what: string, name: string, known: readonly string[], refersTo: Path): Finding {
  const message = `${what}${suggestion(name, known)}`
  const meantValue = suggestedIn(message)
  return { path, at: 'value', message, refersTo, ...(meantValue !== undefined && { meantValue }) }
}

/** What a list or one entry of something should be is what one entry should be. */
function wordsFor(issue: Issue): string {
  const entry = issue.code === 'invalid_union' && issue.message === ONE_OR_MANY ? issue.errors[0]?.[0] : undefined
  return entry?.message ?? issue.message
}

/** What text from the environment may stand for here; of several shapes, the first that is no text. */
function wanted(issue: Issue): 'number' | 'boolean' | undefined {
  if (issue.code === 'invalid_union') {
    const whole = issue.errors.flatMap(([only]) => (only?.path.length === 0 ? [only] : []))
    return whole.map(wanted).find((one) => one !== undefined)
  }
  if (issue.code !== 'invalid_type') return undefined
  if (issue.expected === 'boolean') return 'boolean'
  return issue.expected === 'number' || issue.expected === 'int' ? 'number' : undefined
}

function pathOf(issue: Issue): Path {
  return issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
}

/**
 * The shape that was meant: one that the value does not miss as a whole, and of these the one with the fewest mistakes.
 * `undefined` where every shape is missed as a whole: then the union has its own words.
 */
function meant(issue: z.core.$ZodIssueInvalidUnion): readonly Issue[] | undefined {
  if (issue.message === ONE_OR_MANY) return Array.isArray(issue.input) ? issue.errors.at(-1) : issue.errors[0]
  const given =
    issue.input !== null && typeof issue.input === 'object' ? Object.keys(issue.input).length : Number.POSITIVE_INFINITY
  const close = issue.errors.filter((issues) => !issues.some(missesAll) && unknownCount(issues) < given)
  const [first, second] = close.sort((a, b) => cost(a) - cost(b))
  // Keys of two shapes in one mapping: neither was meant more than the other.
  if (first && second && unknownCount(first) > 0 && cost(first) === cost(second)) return undefined
  return first
}

function missesAll(issue: Issue): boolean {
  // A key that tells shapes apart, and is not for this one.
  if (issue.code === 'invalid_type' && issue.expected === 'never') return true
  return issue.path.length === 0 && ['invalid_type', 'invalid_value', 'invalid_union'].includes(issue.code)
}

/** Keys that a shape does not have; a mistyped one that is missing from it is one it has. */
function unknownCount(issues: readonly Issue[]): number {
  const missing = new Set(issues.filter(isMissing).map((issue) => issue.path.join('.')))
  return issues.reduce((sum, issue) => {
    if (issue.code !== 'unrecognized_keys') return sum
    const meant = issue.message.split('\n').map((line) => [...issue.path, suggestedIn(line)].join('.'))
    return sum + meant.filter((path) => !missing.has(path)).length
  }, 0)
}

function isMissing(issue: Issue): boolean {
  return 'input' in issue && issue.input === undefined
}

/** A key that a shape does not have speaks more against it than one that is missing or wrong. */
function cost(issues: readonly Issue[]): number {
  const mistypedCount =
    issues.reduce((sum, one) => sum + (one.code === 'unrecognized_keys' ? one.keys.length : 0), 0) -
    unknownCount(issues)
  return issues.length + 0.5 * unknownCount(issues) - mistypedCount
}

function kindOf(value: unknown): string | undefined {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  const kinds: Readonly<Record<string, string>> = {
    string: 'text',
    number: 'a number',
    boolean: 'true or false',
    object: 'a mapping',
  }
  return kinds[typeof value]
}
