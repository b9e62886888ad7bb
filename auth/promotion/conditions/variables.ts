/**
 * Variables in what operators write: `${subject}`, `${issuer}`, `${session}`, `${address}`, `${user}`, `${claim.X}`,
 * where X is the name of a claim or a path of keys (claim-path.ts); no brace can be part of it.
 *
 * A value enters as data, never as syntax, and how depends on the place: literal in credentials and file names, where
 * only a small alphabet is accepted; one word in name and key patterns, where everything else is escaped; plain in
 * stamped headers. What does not fit is refused, never shortened or replaced. `$${` stands for `${` itself.
 */
import { type ClaimPath, claimPath } from '../../claim-path.ts'
import { PromotionRefused } from '../../errors.ts'
import type { Identity } from '../../identity.ts'
import { kindOf } from './claim.ts'

/** What variables stand for. */
export interface VariableFacts {
  readonly identity: Identity
  readonly address: string
  /** The session's id. */
  readonly session: string
  /** The broker user, where promotion has been decided. */
  readonly user?: string
}

/** How a value enters its place. Refuses, naming the variable, what does not fit there. */
export type Encoding = (value: string, variable: string) => string

export interface TemplatePart {
  readonly variable: boolean
  readonly text: string
}

export interface Template {
  /** The text without variables, if it has none. */
  readonly constant: string | undefined
  readonly variables: readonly string[]
  /** Variables, by their names, and the text between them. */
  readonly parts: readonly TemplatePart[]
  /** @throws PromotionRefused 'bad-value', naming the variable and the kind of its value */
  render(facts: VariableFacts, encoding: Encoding): string
}

/** What a variable stands for. */
type Reading = (facts: VariableFacts) => unknown

interface Part {
  /** What stands before the variable. */
  readonly before: string
  readonly variable: string
  readonly read: Reading
}

const CLAIM = 'claim.'
const FIXED: ReadonlyMap<string, Reading> = new Map<string, Reading>([
  ['subject', ({ identity }) => identity.subject],
  ['issuer', ({ identity }) => identity.issuer],
  ['session', ({ session }) => session],
  ['address', ({ address }) => address],
  ['user', ({ user }) => user],
])
const LITERAL = /^(?!\.)[A-Za-z0-9._@+-]{1,128}$/
const MAX_WORD_BYTES = 255
const MAX_PLAIN_BYTES = 1024

/**
 * Reads a text with variables.
 * @param without variables that mean nothing in this place
 * @throws SyntaxError naming the variable that is not known or badly written, or the brace that is missing
 */
export function compileTemplate(text: string, without: readonly string[] = []): Template {
  const parts: Part[] = []
  let rest = text
  let constant = ''
  for (let at = rest.indexOf('${'); at !== -1; at = rest.indexOf('${')) {
    if (rest[at - 1] === '$') {
      constant += `${rest.slice(0, at - 1)}\${`
      rest = rest.slice(at + 2)
      continue
    }
    const end = rest.indexOf('}', at)
    if (end === -1) throw new SyntaxError('"${" without "}"')
    const name = rest.slice(at + 2, end)
    parts.push({ before: constant + rest.slice(0, at), variable: name, read: readingOf(name, without) })
    constant = ''
    rest = rest.slice(end + 1)
  }
  const variables = parts.map(({ variable }) => variable)
  const tail = constant + rest
  return {
    constant: variables.length === 0 ? tail : undefined,
    variables,
    parts: [
      ...parts.flatMap(({ before, variable }) => [
        { variable: false, text: before },
        { variable: true, text: variable },
      ]),
      { variable: false, text: tail },
    ],
    render: (facts, encoding) =>
      parts.map((part) => part.before + encoding(textOf(part, facts), part.variable)).join('') + tail,
  }
}

/** For credentials and file names: `[A-Za-z0-9._@+-]{1,128}` without a leading dot, as it is. */
export const literal: Encoding = (value, variable) => {
  if (LITERAL.test(value)) return value
  throw badValue(
    variable,
    `${textKind(value)}; here only 1 to 128 of A-Z a-z 0-9 . _ @ + - are accepted, not beginning with a dot`,
  )
}

/**
 * For name and key patterns: bytes outside `A-Za-z0-9_-` become `%XX`, so that no value holds a separator or a wildcard
 * and no two values become one. Text that is not in Unicode's composed form (NFC) is refused for the same reason.
 */
export const word: Encoding = (value, variable) => {
  if (value === '' || hasLoneSurrogate(value) || value !== value.normalize('NFC')) {
    throw badValue(variable, `${textKind(value)}; it cannot become a word of a pattern`)
  }
  let encoded = ''
  for (const byte of Buffer.from(value)) {
    const character = String.fromCharCode(byte)
    encoded += /^[A-Za-z0-9_-]$/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  if (encoded.length > MAX_WORD_BYTES)
    throw badValue(variable, `${textKind(value)}; as a word it exceeds ${MAX_WORD_BYTES} bytes`)
  return encoded
}

/** For stamped headers: as it is, without control characters, at most 1024 bytes. */
export const plain: Encoding = (value, variable) => {
  if (hasControlCharacter(value) || hasLoneSurrogate(value) || Buffer.byteLength(value) > MAX_PLAIN_BYTES) {
    throw badValue(
      variable,
      `${textKind(value)}; here it must have no control characters and at most ${MAX_PLAIN_BYTES} bytes`,
    )
  }
  return value
}

/** Whether a text holds NUL or any other control character (Unicode category Cc). */
export function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text)
}

/** Whether a text holds half a character, which no encoding can carry. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Cs}/u.test(text)
}

/** @throws SyntaxError */
function readingOf(name: string, without: readonly string[]): Reading {
  if (without.includes(name)) throw new SyntaxError(`\${${name}} means nothing here`)
  const fixed = FIXED.get(name)
  if (fixed !== undefined) return fixed
  if (!name.startsWith(CLAIM) || name === CLAIM) {
    throw new SyntaxError(`\${${name}} is no variable; there are ${[...FIXED.keys()].join(', ')} and claim.NAME`)
  }
  const path = pathOf(name)
  return ({ identity }) => path.find(identity.claims)
}

function pathOf(name: string): ClaimPath {
  try {
    return claimPath(name.slice(CLAIM.length))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new SyntaxError(`\${${name}}: in the claim's name, ${error.message}`)
  }
}

function textOf({ variable, read }: Part, facts: VariableFacts): string {
  const value = read(facts)
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value)
  throw badValue(variable, `${kindOf(value)}; expected a text`)
}

/** What is special about a text, without showing it. */
function textKind(value: string): string {
  if (value === '') return 'an empty text'
  if (value.includes('\0')) return 'a text with a NUL character'
  if (hasControlCharacter(value)) return 'a text with control characters'
  if (hasLoneSurrogate(value)) return 'a text with half a character'
  if (value !== value.normalize('NFC')) return 'a text in decomposed Unicode form'
  return `a text of ${Buffer.byteLength(value)} bytes`
}

function badValue(variable: string, what: string): PromotionRefused {
  return new PromotionRefused('bad-value', `\${${variable}} is ${what}`)
}
