/**
 * From a source to a value the schema can judge: environment variables filled in, paths of files made absolute.
 * Every value keeps its path, so that a mistake found later still has its place in the source.
 */

import { resolve } from 'node:path'
import type { Environment } from '../environment.ts'
import type { Finding } from './issues.ts'
import { isFilePlace, templateKind } from './places.ts'
import type { Path } from './problems.ts'
import { fillIn } from './variables.ts'

/** Deeper, and more, than any configuration: aliases and objects from code may contain themselves. */
const DEPTH = 64
const VALUE_COUNT = 200_000

export interface Reading {
  readonly value: unknown
  readonly findings: readonly Finding[]
  /** Paths (joined by `pathKey`) of text that came from the environment: it may stand for a number. */
  readonly filled: ReadonlySet<string>
}

export function pathKey(path: Path): string {
  return JSON.stringify(path)
}

/** Copies the value; relative paths of files, where there are any, are resolved against `folder`. */
export function readValue(
  value: unknown,
  env: Environment,
  folder: string,
  isFile: (path: Path, text: string) => boolean = isFilePlace,
): Reading {
  const findings: Finding[] = []
  const filled = new Set<string>()

  const readText = (text: string, path: Path) => {
    const kind = templateKind(path)
    const result = fillIn(text, env, kind)
    for (const message of result.problems) findings.push({ path, at: 'value', message })
    if (result.filled) filled.add(pathKey(path))
    if (!isFile(path, result.text) || result.text === '') return result.text
    return resolve(kind === undefined ? folder : folder.replaceAll('${', () => '$${'), result.text)
  }

  let valueCount = 0
  const read = (given: unknown, path: Path): unknown => {
    valueCount += 1
    if (valueCount > VALUE_COUNT) return undefined
    if (path.length > DEPTH) {
      findings.push({ path: path.slice(0, 1), at: 'value', message: `expected at most ${DEPTH} levels` })
      valueCount = VALUE_COUNT
      return undefined
    }
    if (typeof given === 'string') return readText(given, path)
    if (Array.isArray(given)) return given.map((entry: unknown, index) => read(entry, [...path, index]))
    if (!isPlain(given)) return given
    const copy: Record<string, unknown> = {}
    for (const [key, entry] of Object.entries(given)) {
      if (key === '__proto__') findings.push({ path: [...path, key], at: 'key', message: 'unknown key' })
      else if (entry !== undefined) copy[key] = read(entry, [...path, key])
    }
    return copy
  }

  const result = read(value, [])
  if (valueCount > VALUE_COUNT && findings.length === 0) {
    findings.push({ path: [], at: 'value', message: `expected at most ${VALUE_COUNT} values` })
  }
  return { value: result, findings, filled }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (value === null || typeof value !== 'object') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The number or boolean that text from the environment stands for; `undefined` where it stands for none. */
export function fromText(text: unknown, wants: 'number' | 'boolean'): number | boolean | undefined {
  if (typeof text !== 'string') return undefined
  if (wants === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined
}
