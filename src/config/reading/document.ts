/**
 * A configuration as it came in: YAML text, or an object from code. Gives the plain value, and the place of anything in it.
 *
 * YAML 1.2 core schema: no tags, no merge keys, no second document, keys are text and stand once, aliases are bounded.
 */

import type { Document, Node, YAMLError } from 'yaml'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Path, Problem } from './problems.ts'

/** Places that aliases may be expanded to in all: more is a bomb. */
const ALIAS_COUNT = 100

export interface TextPosition {
  readonly line: number
  readonly column: number
}

export interface Source {
  readonly file?: string
  /** Plain objects, lists and scalars; `undefined` where there is nothing. */
  readonly value: unknown
  /** Mistakes of the notation itself; with any, `value` means nothing. */
  readonly problems: readonly Problem[]
  /** The place of the value at this path (or of its `key`), else of the nearest thing around it that exists. */
  locate(path: Path, what?: 'key' | 'value'): TextPosition | undefined
}

const UNKNOWN_ALIAS = 'this alias (*name) has no anchor (&name) before it'

/** The parser's own texts may quote what stands in the file: these do not. */
const SYNTAX: Partial<Record<YAMLError['code'], string>> = {
  DUPLICATE_KEY: 'this key is already there, in the same mapping',
  NON_STRING_KEY: 'expected a key that is plain text',
  MULTIPLE_DOCS: 'expected one YAML document, found a second (---)',
  TAG_RESOLVE_FAILED: 'tags (!name) are not accepted',
  TAB_AS_INDENT: 'tabs do not indent YAML: use spaces',
  BAD_INDENT: 'this is not indented like its neighbours, or a bracket or quote before it is not closed',
  MISSING_CHAR:
    'a quote, bracket, comma or colon is missing here or before, or this is not indented like its neighbours',
  BAD_ALIAS: UNKNOWN_ALIAS,
  BLOCK_AS_IMPLICIT_KEY: 'a second key on one line: put it on a line of its own, or the value in quotes',
  MULTILINE_IMPLICIT_KEY: 'a key must end on its line: a colon or a quote is missing',
  BAD_SCALAR_START: 'text that begins with this character must be in quotes',
  BAD_DQ_ESCAPE: 'unknown escape in double quotes: write \\\\ for a backslash, or use single quotes',
}

/** Reads YAML text. Never throws: mistakes are in `problems`. */
export function yamlSource(text: string, file?: string): Source {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    stringKeys: true,
    uniqueKeys: true,
    resolveKnownTags: false,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  })
  const placeOf = (offset: number): TextPosition => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const inFile = file === undefined ? {} : { file }
  const mistakes = withoutEchoes([...document.errors, ...document.warnings]).map(({ code, pos }) => ({
    offset: pos[0],
    text: SYNTAX[code] ?? 'this does not belong here',
  }))
  const problems = firstOfEachLine(
    [...mistakes, ...unknownAliases(document)].map(({ offset, text }) => ({
      ...inFile,
      ...placeOf(offset),
      path: '',
      message: `not valid YAML: ${text}`,
    })),
  )
  const locate = (path: Path, what: 'key' | 'value' = 'value') => {
    const offset = offsetOf(document, path, what)
    return offset === undefined ? undefined : placeOf(offset)
  }
  if (problems.length > 0) return { ...inFile, value: undefined, problems, locate }
  try {
    return { ...inFile, value: document.toJS({ maxAliasCount: ALIAS_COUNT }), problems, locate }
  } catch {
    const message = `not valid YAML: aliases refer to themselves, or stand for more than ${ALIAS_COUNT} copies`
    return { ...inFile, value: undefined, problems: [{ ...inFile, line: 1, column: 1, path: '', message }], locate }
  }
}

/** Takes a plain object from code: paths are its only places. */
export function objectSource(value: unknown): Source {
  return { value, problems: [], locate: () => undefined }
}

/** Aliases that mean nothing, or more of them than anybody writes. */
function unknownAliases(document: Document.Parsed): { offset: number; text: string }[] {
  const found: { offset: number; text: string }[] = []
  let aliasCount = 0
  visit(document, {
    Alias(_key, alias) {
      aliasCount += 1
      if (aliasCount > ALIAS_COUNT) return visit.BREAK
      if (!alias.resolve(document)) found.push({ offset: alias.range?.[0] ?? 0, text: UNKNOWN_ALIAS })
      return undefined
    },
  })
  return found
}

/** Once the parser has lost the indentation, it complains about every line that follows: the first is the one to mend. */
function withoutEchoes(errors: readonly YAMLError[]): YAMLError[] {
  const lost = errors.findIndex(({ code }) => code === 'BAD_INDENT' || code === 'MISSING_CHAR')
  return errors.filter(({ code }, index) => lost === -1 || index <= lost || code !== 'BAD_INDENT')
}

/** What follows a mistake on its line is seldom another one. */
function firstOfEachLine<T extends { readonly line: number }>(problems: readonly T[]): T[] {
  const lines = new Set<number>()
  return problems.filter(({ line }) => !lines.has(line) && lines.add(line))
}

function offsetOf(document: Document.Parsed, path: Path, what: 'key' | 'value'): number | undefined {
  let node = resolved(document, document.contents)
  let offset = node?.range?.[0]
  for (const [depth, segment] of path.entries()) {
    const wantsKey = what === 'key' && depth === path.length - 1
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(segment))
      if (pair === undefined) return offset
      const keyOffset = isScalar(pair.key) ? pair.key.range?.[0] : undefined
      const value = resolved(document, pair.value)
      offset = wantsKey || isEmpty(value) ? keyOffset : (value?.range?.[0] ?? keyOffset)
      node = value
    } else if (isSeq(node)) {
      node = resolved(document, node.items[Number(segment)])
      if (!node) return offset
      offset = node.range?.[0] ?? offset
    } else {
      return offset
    }
  }
  return offset
}

function resolved(document: Document.Parsed, node: unknown): Node | undefined {
  if (isAlias(node)) return node.resolve(document)
  return isMap(node) || isSeq(node) || isScalar(node) ? node : undefined
}

/** `key:` with nothing after it. */
function isEmpty(node: Node | undefined): boolean {
  return node === undefined || (isScalar(node) && node.value === null && node.source === '')
}
