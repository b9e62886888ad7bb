/**
 * The encrypted secrets in the text of a configuration: where each one is, and the same text with others in their
 * places. Everything else of the text stays as it was, byte for byte: comments, order, spaces.
 *
 * The rest of the configuration is not judged: a key must be exchangeable on a machine that has none of its files.
 */
import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { yamlSource } from '../reading/document.ts'
import { isSecretPlace } from '../reading/places.ts'
import { ConfigError, formatPath, type Path } from '../reading/problems.ts'

/** One `encrypted: …`. */
export interface EncryptedValue {
  /** As it is authenticated: `brokers.main.credentials.smithj.password`. */
  readonly place: string
  readonly value: string
  /** From 1. */
  readonly line: number
  /** Of the value in the text, in characters. */
  readonly start: number
  readonly end: number
}

/** In the order of the text. @throws ConfigError where the text is no YAML */
export function encryptedValues(text: string, file: string): EncryptedValue[] {
  const { problems } = yamlSource(text, file)
  if (problems.length > 0) throw new ConfigError(problems)
  const found: EncryptedValue[] = []
  const visit = (node: unknown, path: Path): void => {
    if (isSeq(node)) for (const [index, entry] of node.items.entries()) visit(entry, [...path, index])
    if (!isMap(node)) return
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : ''
      if (name !== 'encrypted' || !isSecretPlace(path)) visit(value, [...path, name])
      else if (isScalar(value) && typeof value.value === 'string' && value.range) {
        const [start, end] = value.range
        found.push({ place: formatPath(path), value: value.value, line: lineOf(text, start), start, end })
      }
    }
  }
  visit(parseDocument(text, { version: '1.2', schema: 'core' }).contents, [])
  return found
}

/** The text with a new value for each of these. */
export function withValues(text: string, changes: ReadonlyMap<EncryptedValue, string>): string {
  const fromTheEnd = [...changes].sort(([a], [b]) => b.start - a.start)
  return fromTheEnd.reduce((changed, [{ start, end }, value]) => {
    // A block scalar (`>-`) has the end of its last line within.
    const [space = ''] = /\s*$/.exec(changed.slice(start, end)) ?? []
    return `${changed.slice(0, start)}${JSON.stringify(value)}${space}${changed.slice(end)}`
  }, text)
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
