/**
 * A configuration with its mistakes mended as well as can be guessed, so that what lies behind them is judged in the same
 * round: a suggestion is followed, and what is missing has a stand-in. Only to find more mistakes. It is never served.
 */
import type { Finding } from './issues.ts'
import type { Path } from './problems.ts'
import type { Pruned } from './prune.ts'

/** One of these is what most places can hold. None of it is told to anybody. */
const STAND_INS = [
  'a',
  '/a',
  'https://a.example.com',
  'amqp://a.example.com',
  '$a$a',
  '1s',
  1,
  true,
  { to: 'a' },
  { port: 1 },
  {},
  [],
] as const
/** A file with more mistakes than this is something else: each stand-in costs some parses. */
const STAND_IN_COUNT = 20

/** Puts what was most likely meant in the place of what was written; whether anything was changed. */
export function followSuggestions(pruned: Pruned, found: readonly Finding[]): readonly Finding[] {
  return found.filter(({ path, meant, meantValue }) => {
    if (meant !== undefined) return pruned.rename(path, String(meant.at(-1)))
    return meantValue !== undefined && pruned.replace(path, meantValue)
  })
}

/**
 * Gives what is missing a value that fits, and takes out the rest. False where nothing would be left.
 * @param stillWrong the places that are wrong now
 */
export function withStandIns(pruned: Pruned, paths: readonly Path[], stillWrong: () => readonly Path[]): boolean {
  const open = paths.filter((path, index) => {
    if (index >= STAND_IN_COUNT || typeof path.at(-1) === 'number' || pruned.has(path)) return true
    return !STAND_INS.some((value) => pruned.tryOut(path, structuredClone(value), stillWrong))
  })
  return pruned.remove(open)
}

/** Puts the name that was most likely meant where a check found an unknown one. */
export function followInPlace(config: object, { path, meantValue }: Finding): boolean {
  const key = path.at(-1)
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((value, step) => (isObject(value) ? Reflect.get(value, step) : undefined), config)
  return key !== undefined && meantValue !== undefined && isObject(parent) && Reflect.set(parent, key, meantValue)
}

function isObject(value: unknown): value is object {
  return value !== null && typeof value === 'object'
}
