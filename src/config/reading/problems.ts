/**
 * What is wrong with a configuration: every mistake at once, each with its place and what was expected.
 *
 * No message repeats a value that somebody wrote: it could be a secret. Keys, names and places may be repeated.
 */

/** Keys and indices from the top of the configuration. */
export type Path = readonly (string | number)[]

export interface Problem {
  /** The file it is in; absent for a configuration that was handed over as an object. */
  readonly file?: string
  /** From 1. */
  readonly line?: number
  /** From 1, in characters. */
  readonly column?: number
  /** Where in the configuration: `services[0].promote[1].to`; empty for the whole. */
  readonly path: string
  readonly message: string
}

/** Mistakes reported at most: a file that is something else altogether has thousands. */
const REPORTED_COUNT = 50

/** The configuration is refused. `problems` has at least one entry; `message` has all of them, one on a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  /** What the process ends with: EX_CONFIG of sysexits.h. */
  readonly exitCode = 78
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    super(formatProblems(problems), options)
    this.problems = problems
  }
}

/** `services[0].promote[1].when["a b"]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(key)) return `${text}[${JSON.stringify(key)}]`
    return text === '' ? key : `${text}.${key}`
  }, '')
}

/** Reads what `formatPath` writes; `undefined` where it is no path. */
export function parsePath(text: string): Path | undefined {
  const path: (string | number)[] = []
  const step = /\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,6})\]|\[("(?:[^"\\]|\\.)*")\]/y
  while (step.lastIndex < text.length) {
    const [, name, index, quoted] = step.exec(text) ?? []
    if (name !== undefined) path.push(name)
    else if (index !== undefined) path.push(Number(index))
    else if (quoted !== undefined) path.push(String(JSON.parse(quoted)))
    else return undefined
  }
  return formatPath(path) === text ? path : undefined
}

/** One line: `file:line:column: path: message`, without what is not known. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':')
  return [place, path, message].filter((part) => part !== '').join(': ')
}

/** One line for each, in the order of the file. */
export function formatProblems(problems: readonly Problem[]): string {
  const lines = problems.slice(0, REPORTED_COUNT).map(formatProblem)
  const moreCount = problems.length - lines.length
  return [...lines, ...(moreCount > 0 ? [`… and ${moreCount} more`] : [])].join('\n')
}

/** Sorted by place; what has none, and equal places, stay in the order they came in. */
export function inFileOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
}
