/**
 * Judges what came in: the notation, the schema, then the checks (names, combinations, files).
 *
 * A mistake that one judge finds is mended or taken out before the next one looks, so that all of them are told at once; a
 * mistake that only follows from another one is not. With any mistake at all there is no configuration.
 */

import { z } from 'zod'
import { type Keyring, type Mistake, usersFileSchema, usersMistakes } from '../../../auth/index.ts'
import { checkConfig } from '../checks/checks.ts'
import { configWarnings, type WarningContext } from '../checks/warnings.ts'
import type { Environment } from '../environment.ts'
import { FileInspection } from '../files/files.ts'
import { readKeys } from '../files/keyring.ts'
import { placeSecrets } from '../files/place-secrets.ts'
import { type Config, type ConfiguredUsers, configSchema } from '../schema/schema.ts'
import { foldAlike } from './alike.ts'
import { type Source, yamlSource } from './document.ts'
import { type Finding, findings, schemaText } from './issues.ts'
import { followInPlace, followSuggestions, withStandIns } from './mending.ts'
import { isFilePlace } from './places.ts'
import { ConfigError, formatPath, inFileOrder, type Path, type Problem } from './problems.ts'
import { Pruned } from './prune.ts'
import { fromText, pathKey, readValue } from './read.ts'

/** A configuration that may be served, and what an operator should know about it all the same. */
export interface Loaded<C> {
  readonly config: C
  readonly warnings: readonly Problem[]
}

export type LoadedConfig = Loaded<Config>

/** What there is to judge about configurations of one kind: a gateway's, a door's. */
export interface Kind<S extends z.ZodType> {
  readonly schema: S
  /** Whether the text at this path names a file. */
  isFilePlace(path: Path, text: string): boolean
  /** Called before all that follows. */
  prepare?(config: z.output<S>): void
  inspect(config: z.output<S>, inspection: FileInspection): void
  check(config: z.output<S>): Finding[]
  warnings(config: z.output<S>, context: WarningContext): Finding[]
}

const GATEWAY: Kind<typeof configSchema> = {
  schema: configSchema,
  isFilePlace,
  prepare: placeSecrets,
  inspect: (config, inspection) => inspection.inspect(config),
  check: checkConfig,
  warnings: configWarnings,
}

export interface Judging<C = Config> {
  /** Absolute: relative paths are resolved against it. */
  readonly folder: string
  readonly env: Environment
  /** Whether files and variables are looked at. */
  readonly files: boolean
  /** Everybody on the machine may read the configuration's own file. */
  readonly readable: boolean
  /** What else may be wrong with a configuration that is right by itself. */
  readonly more?: ((config: C) => readonly Finding[]) | undefined
}

/** Times that mistakes are taken out; each time one level further up, where something needed them. */
const ROUNDS = 12

/** @throws ConfigError */
export function judgeConfig(source: Source, judging: Judging): LoadedConfig {
  return judgeAs(GATEWAY, source, judging)
}

/** @throws ConfigError */
export function judgeAs<S extends z.ZodType<object>>(
  kind: Kind<S>,
  source: Source,
  { folder, env, files, readable, more = () => [] }: Judging<z.output<S>>,
): Loaded<z.output<S>> {
  if (source.problems.length > 0) throw new ConfigError(source.problems)
  const reading = readValue(source.value, env, folder, (...place) => kind.isFilePlace(...place))
  const { config, found, pruned } = parsed(kind.schema, reading.value, reading.filled)
  const mistakes = withoutEchoes(reading.findings, found)
  if (config === undefined) throw new ConfigError(located(source, mistakes))

  kind.prepare?.(config)
  const inspection = new FileInspection(env, judgeUsers)
  if (files) kind.inspect(config, inspection)
  const checks = checked(config, (one) => kind.check(one))
  for (const finding of [...checks, ...more(config), ...inspection.findings]) {
    const original = (path: Path) => pruned.original(asWritten(pruned.value, path))
    const path = original(finding.path)
    const refersTo = finding.refersTo && original(finding.refersTo)
    if (!pruned.touches(path) && !(refersTo && pruned.touches(refersTo))) mistakes.push({ ...finding, path })
  }
  const problems = [...located(source, mistakes), ...inspection.problems]
  if (problems.length > 0) throw new ConfigError(problems)
  const warnings = [...kind.warnings(config, { filled: reading.filled, readable }), ...inspection.warnings]
  return { config, warnings: located(source, foldAlike(warnings)) }
}

/** @throws ConfigError */
export function judgeUsers(text: string, file: string): ConfiguredUsers {
  const source = yamlSource(text, file)
  if (source.problems.length > 0) throw new ConfigError(source.problems)
  const result = parseAs(usersFileSchema, source.value)
  const found = 'data' in result ? usersMistakes(result.data.users).map(inUsers) : result.findings
  if ('data' in result && found.length === 0) return result.data.users
  throw new ConfigError(located(source, found))
}

function inUsers({ path, at = 'value', message }: Mistake): Finding {
  return { path: ['users', ...path], at, message }
}

const keysOnly = z.object({ secretKeys: configSchema.shape.secretKeys })

/** @throws ConfigError */
export function judgeSecretKeys(source: Source, { folder, env }: Pick<Judging, 'folder' | 'env'>): Keyring {
  if (source.problems.length > 0) throw new ConfigError(source.problems)
  const value = source.value
  const secretKeys = isObject(value) && 'secretKeys' in value ? value.secretKeys : []
  const reading = readValue({ secretKeys }, env, folder)
  const result = parseAs(keysOnly, reading.value)
  if (!('data' in result)) throw new ConfigError(located(source, [...reading.findings, ...result.findings]))
  const { keys, findings: found } = readKeys(result.data, env)
  const mistakes = [...reading.findings, ...found]
  if (mistakes.length > 0) throw new ConfigError(located(source, mistakes))
  return keys
}

type Parsed<T> = { readonly data: T } | { readonly findings: readonly Finding[] }

function parseAs<T extends z.ZodType>(schema: T, value: unknown): Parsed<z.output<T>> {
  const result = schema.safeParse(value, { error: schemaText, reportInput: true })
  return result.success ? { data: result.data } : { findings: findings(result.error.issues) }
}

interface Judged<C> {
  /** What is left when all mistakes are taken out; absent where nothing is. */
  readonly config: C | undefined
  readonly found: readonly Finding[]
  readonly pruned: Pruned
}

/** What the schema says. Takes the value over. */
function parsed<S extends z.ZodType>(schema: S, value: unknown, filled: ReadonlySet<string>): Judged<z.output<S>> {
  const pruned = new Pruned(value)
  const found: Finding[] = []
  const add = (more: readonly Finding[]) => {
    for (const finding of more) found.push({ ...finding, path: pruned.original(finding.path) })
  }
  let result = parseWithNumbers(schema, value, filled)
  for (let round = 0; !('data' in result) && round < ROUNDS; round += 1) {
    const mended = followSuggestions(pruned, result.findings)
    if (mended.length === 0) break
    add(mended)
    result = parseWithNumbers(schema, value, filled)
  }
  if (!('data' in result)) add(result.findings)
  const stillWrong = () => {
    const again = parseAs(schema, pruned.value)
    return 'data' in again ? [] : again.findings.map(({ path }) => path)
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    if ('data' in result) return { config: result.data, found, pruned }
    const paths = result.findings.map(({ path }) => path)
    if (!withStandIns(pruned, paths, stillWrong)) break
    result = parseAs(schema, pruned.value)
  }
  return { config: undefined, found, pruned }
}

/** What the checks say, and what they say when unknown names are those that were meant. Changes the configuration. */
function checked<C extends object>(config: C, check: (config: C) => Finding[]): Finding[] {
  const found: Finding[] = []
  const told = new Set<string>()
  for (let round = 0; round < ROUNDS; round += 1) {
    const more = check(config).filter(({ path, message }) => !told.has(pathKey([...path, message])))
    for (const { path, message } of more) told.add(pathKey([...path, message]))
    found.push(...more)
    if (more.filter((finding) => followInPlace(config, finding)).length === 0) break
  }
  return found
}

/** Text from the environment where a number or a boolean is expected is taken for one, if it is one. */
function parseWithNumbers<S extends z.ZodType>(
  schema: S,
  value: unknown,
  filled: ReadonlySet<string>,
): Parsed<z.output<S>> {
  const first = parseAs(schema, value)
  if ('data' in first || filled.size === 0) return first
  const changed = first.findings.filter(({ path, wants }) => {
    const parent = wants === undefined || !filled.has(pathKey(path)) ? undefined : at(value, path.slice(0, -1))
    const key = path.at(-1)
    if (wants === undefined || parent === undefined || key === undefined) return false
    const converted = fromText(Reflect.get(parent, key), wants)
    return converted !== undefined && Reflect.set(parent, key, converted)
  })
  return changed.length > 0 ? parseAs(schema, value) : first
}

function at(value: unknown, path: Path): object | undefined {
  let current = value
  for (const key of path) current = isObject(current) ? Reflect.get(current, key) : undefined
  return isObject(current) ? current : undefined
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object'
}

/** What could not be read at all is not complained about a second time. */
function withoutEchoes(read: readonly Finding[], judged: readonly Finding[]): Finding[] {
  const unread = new Set(read.map(({ path }) => pathKey(path)))
  return [...read, ...judged.filter(({ path }) => !unread.has(pathKey(path)))]
}

function located(source: Source, found: readonly Finding[]): Problem[] {
  const file = source.file === undefined ? {} : { file: source.file }
  const problems = found.map(({ path, at, message, hidesKey }) => {
    const written = asWritten(source.value, path)
    const shown = hidesKey ? `${formatPath(written.slice(0, -1))}.…` : formatPath(written)
    return { ...file, ...source.locate(written, at), path: shown, message }
  })
  return inFileOrder(problems)
}

/** The path without the index 0 of what was written as one entry instead of a list. */
function asWritten(value: unknown, path: Path): Path {
  let current = value
  return path.filter((key) => {
    if (key === 0 && !Array.isArray(current)) return false
    current = isObject(current) ? Reflect.get(current, key) : undefined
    return true
  })
}
