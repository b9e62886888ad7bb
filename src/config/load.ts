/**
 * From a file, a text or an object to a `Config`, or to a `ConfigError` with everything that is wrong with it.
 *
 * Three judges in turn, each only on what the one before found well-formed: the notation, the schema, the checks
 * (names, combinations, files). Warnings stop nothing and are handed over beside the configuration.
 */
import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { checkConfig } from './checks.ts'
import type { Source } from './document.ts'
import { objectSource, yamlSource } from './document.ts'
import { FileInspection } from './files.ts'
import type { Finding } from './issues.ts'
import { findings, schemaText } from './issues.ts'
import { placeSecrets } from './place-secrets.ts'
import type { Path, Problem } from './problems.ts'
import { ConfigError, formatPath, inFileOrder } from './problems.ts'
import { protectedText } from './protected-file.ts'
import { fromText, pathKey, readValue } from './read.ts'
import type { Config, ConfigInput, Users } from './schema.ts'
import { configSchema } from './schema.ts'
import { usersFile } from './users.ts'
import { configWarnings } from './warnings.ts'

/** A configuration that may be served, and what an operator should know about it all the same. */
export interface LoadedConfig {
  readonly config: Config
  readonly warnings: readonly Problem[]
}

export type Environment = Readonly<Record<string, string | undefined>>

export interface ParseOptions {
  /** Named in problems; its folder is what relative paths are relative to. */
  readonly file?: string
  /** What relative paths are relative to where there is no file; by default the working directory. */
  readonly folder?: string
  /** By default the process's own. */
  readonly env?: Environment
  /** Whether the files it names are looked at (there, readable, protected). By default they are. */
  readonly files?: boolean
}

/** Largest configuration or users file. */
const FILE_BYTES = 8 * 1024 * 1024

const accepted = new WeakSet<object>()

/** Reads and judges the file. @throws ConfigError with all problems. */
export function loadConfig(file: string, env: Environment = process.env): LoadedConfig {
  const path = resolve(file)
  const read = protectedText(path, FILE_BYTES)
  if ('problem' in read) throw new ConfigError([{ file, path: '', message: read.problem }])
  return judge(yamlSource(read.text, file), { folder: dirname(path), env, files: true, readable: read.readable })
}

/**
 * Judges YAML text, or a configuration from code: a plain object, or one that was accepted before, which comes back as
 * it is. @throws ConfigError with all problems.
 */
export function parseConfig(input: string | ConfigInput | Config, options: ParseOptions = {}): LoadedConfig {
  if (typeof input !== 'string' && accepted.has(input)) return { config: input as Config, warnings: [] }
  const { file, folder = file === undefined ? process.cwd() : dirname(resolve(file)) } = options
  const source = typeof input === 'string' ? yamlSource(input, file) : objectSource(input)
  return judge(source, { folder, env: options.env ?? process.env, files: options.files ?? true, readable: false })
}

/** Judges a users file. @throws ConfigError with all problems. */
export function parseUsers(text: string, file: string): Users {
  const source = yamlSource(text, file)
  if (source.problems.length > 0) throw new ConfigError(source.problems)
  const result = parseAs(usersFile, source.value)
  if ('data' in result) return result.data.users
  throw new ConfigError(located(source, result.findings))
}

interface Judging {
  readonly folder: string
  readonly env: Environment
  readonly files: boolean
  /** The file may be read by everybody on the machine. */
  readonly readable: boolean
}

function judge(source: Source, { folder, env, files, readable }: Judging): LoadedConfig {
  if (source.problems.length > 0) throw new ConfigError(source.problems)
  const reading = readValue(source.value, env, folder)
  const result = parseWithNumbers(reading.value, reading.filled)
  if ('findings' in result) throw new ConfigError(located(source, withoutEchoes(reading.findings, result.findings)))
  const config = placeSecrets(result.data)
  const inspected = new FileInspection(env, parseUsers)
  if (files) inspected.inspect(config)
  const found = located(source, [...reading.findings, ...checkConfig(config), ...inspected.findings])
  if (found.length + inspected.problems.length > 0) throw new ConfigError([...found, ...inspected.problems])
  accepted.add(config)
  const warned = [...configWarnings(config, { filled: reading.filled, readable }), ...inspected.warnings]
  return { config, warnings: located(source, warned) }
}

/** What could not be read at all is not complained about a second time. */
function withoutEchoes(read: readonly Finding[], judged: readonly Finding[]): Finding[] {
  const unread = new Set(read.map(({ path }) => pathKey(path)))
  return [...read, ...judged.filter(({ path }) => !unread.has(pathKey(path)))]
}

type Parsed<T> = { readonly data: T } | { readonly findings: readonly Finding[] }

function parseAs<T extends z.ZodType>(schema: T, value: unknown): Parsed<z.output<T>> {
  const result = schema.safeParse(value, { error: schemaText, reportInput: true })
  return result.success ? { data: result.data } : { findings: findings(result.error.issues) }
}

/** Text from the environment where a number or a boolean is expected is taken for one, if it is one. */
function parseWithNumbers(value: unknown, filled: ReadonlySet<string>): Parsed<Config> {
  const first = parseAs(configSchema, value)
  if ('data' in first || filled.size === 0) return first
  const changed = first.findings.filter(({ path, wants }) => {
    const parent = wants === undefined || !filled.has(pathKey(path)) ? undefined : at(value, path.slice(0, -1))
    const key = path.at(-1)
    if (wants === undefined || parent === undefined || key === undefined) return false
    const converted = fromText(Reflect.get(parent, key), wants)
    return converted !== undefined && Reflect.set(parent, key, converted)
  })
  return changed.length > 0 ? parseAs(configSchema, value) : first
}

function at(value: unknown, path: Path): object | undefined {
  let current = value
  for (const key of path)
    current = current !== null && typeof current === 'object' ? Reflect.get(current, key) : undefined
  return current !== null && typeof current === 'object' ? current : undefined
}

function located(source: Source, found: readonly Finding[]): Problem[] {
  const file = source.file === undefined ? {} : { file: source.file }
  return inFileOrder(
    found.map(({ path, at, message }) => ({ ...file, ...source.locate(path, at), path: formatPath(path), message })),
  )
}
