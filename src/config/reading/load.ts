/**
 * From a file, a text or an object to a `Config`, or to a `ConfigError` with everything that is wrong with it. The only
 * way to one: whatever is served went through here.
 */
import { dirname, resolve } from 'node:path'
import type { Keyring } from '../../../auth/index.ts'
import type { Environment } from '../environment.ts'
import { protectedText } from '../files/protected-file.ts'
import type { DoorConfig } from '../schema/door.ts'
import type { Config, ConfigInput, ConfiguredUsers } from '../schema/schema.ts'
import { objectSource, type Source, yamlSource } from './document.ts'
import { DOOR } from './door.ts'
import {
  type Judging,
  judgeAs,
  judgeConfig,
  judgeSecretKeys,
  judgeUsers,
  type Loaded,
  type LoadedConfig,
} from './judge.ts'
import { ConfigError, inFileOrder, type Problem, parsePath } from './problems.ts'

export type { LoadedConfig } from './judge.ts'

export interface ParseOptions {
  /** Named in problems; its folder is what relative paths are relative to. */
  readonly file?: string | undefined
  /** What relative paths are relative to where there is no file; by default the working directory. */
  readonly folder?: string | undefined
  /** By default the process's own. */
  readonly env?: Environment
  /** Whether the files and variables it names are looked at (there, readable, protected). By default they are. */
  readonly files?: boolean
  /** What else may be wrong with it, beside what is wrong by itself. */
  readonly more?: Judging['more']
}

/** Largest configuration. */
const FILE_BYTES = 8 * 1024 * 1024

const accepted = new WeakSet<object>()

/**
 * Reads and judges the file; with `files: false`, whatever else it names is not looked at.
 * @throws ConfigError with all problems
 */
export function loadConfig(
  file: string,
  env: Environment = process.env,
  { files = true, more }: Pick<ParseOptions, 'files' | 'more'> = {},
): LoadedConfig {
  const { source, folder, readable } = readFile(file)
  return accept(judgeConfig(source, { folder, env, files, readable, more }))
}

/** The same for the configuration of a door. @throws ConfigError with all problems */
export function loadDoor(
  file: string,
  env: Environment = process.env,
  { files = true, more }: { readonly files?: boolean; readonly more?: Judging<DoorConfig>['more'] } = {},
): Loaded<DoorConfig> {
  const { source, folder, readable } = readFile(file)
  return judgeAs(DOOR, source, { folder, env, files, readable, more })
}

/** Judges the YAML text of a door's configuration. @throws ConfigError with all problems. */
export function parseDoor(
  text: string,
  { file = 'door.yaml', env = process.env, files = true }: ParseOptions = {},
): Loaded<DoorConfig> {
  return judgeAs(DOOR, yamlSource(text, file), { folder: dirname(resolve(file)), env, files, readable: false })
}

/** @throws ConfigError */
function readFile(file: string): { readonly source: Source; readonly folder: string; readonly readable: boolean } {
  const path = resolve(file)
  const read = protectedText(path, FILE_BYTES)
  if ('problem' in read) throw new ConfigError([{ file, path: '', message: read.problem }])
  return { source: yamlSource(read.text, file), folder: dirname(path), readable: read.readable }
}

/**
 * Judges YAML text, or a configuration from code: a plain object, or one that was accepted before, which comes back as
 * it is. @throws ConfigError with all problems.
 */
export function parseConfig(input: string | ConfigInput | Config, options: ParseOptions = {}): LoadedConfig {
  if (isAccepted(input)) return { config: input, warnings: [] }
  const { file, folder = file === undefined ? process.cwd() : dirname(resolve(file)) } = options
  const source = typeof input === 'string' ? yamlSource(input, file) : objectSource(input)
  const { env = process.env, files = true, more } = options
  return accept(judgeConfig(source, { folder, env, files, readable: false, more }))
}

/**
 * The keys of a configuration's `secretKeys`, whatever else is in it. The rest is not judged.
 * @throws ConfigError
 */
export function parseSecretKeys(text: string, file: string, env: Environment = process.env): Keyring {
  return judgeSecretKeys(yamlSource(text, file), { folder: dirname(resolve(file)), env })
}

/**
 * The same with file, line and column, for mistakes that are found once the file has been judged: in what it names, such as
 * modules. Those that have a place keep it.
 */
export function withPlaces(problems: readonly Problem[], file: string): Problem[] {
  if (problems.every((problem) => problem.line !== undefined)) return [...problems]
  const read = protectedText(resolve(file), FILE_BYTES)
  const source = 'problem' in read ? objectSource(undefined) : yamlSource(read.text, file)
  const placed = problems.map((problem) => {
    if (problem.line !== undefined || (problem.file ?? file) !== file) return problem
    const path = parsePath(problem.path) ?? []
    return { file, ...(path.length > 0 && source.locate(path)), path: problem.path, message: problem.message }
  })
  return inFileOrder(placed)
}

/** Judges a users file. @throws ConfigError with all problems. */
export function parseUsers(text: string, file: string): ConfiguredUsers {
  return judgeUsers(text, file)
}

function accept(loaded: LoadedConfig): LoadedConfig {
  accepted.add(loaded.config)
  return loaded
}

function isAccepted(input: string | ConfigInput | Config): input is Config {
  return typeof input === 'object' && input !== null && accepted.has(input)
}
