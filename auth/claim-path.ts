/**
 * Where a claim is: its own name (`https://example.com/roles`) or, where there is no such claim, a path of keys
 * (`realm_access.roles`). A key that has a dot of its own is quoted, as JSON quotes a text, with `\"` and `\\` inside:
 * `resource_access."com.example.app".roles`. A path with quotes is a path and nothing else.
 *
 * Only an object's own keys are looked at, so that no claim is ever inherited; a list has no keys.
 */

export interface ClaimPath {
  /** As written. */
  readonly text: string
  /** The key or name at its end, by which a claim is known wherever it lies. */
  readonly lastKey: string
  /** The claim's value; undefined where there is none. Never throws. */
  find(claims: Readonly<Record<string, unknown>>): unknown
}

const QUOTED = /"((?:[^"\\]|\\["\\])+)"/y

/** @throws SyntaxError that says what is wrong and at which character, without repeating the text */
export function claimPath(text: string): ClaimPath {
  const keys = keysOf(text)
  const isQuoted = text.includes('"')
  return {
    text,
    lastKey: keys.at(-1) ?? text,
    find: (claims) => (!isQuoted && Object.hasOwn(claims, text) ? claims[text] : walk(claims, keys)),
  }
}

/** Why a text is no path to a claim; undefined where it is one. */
export function claimPathProblem(text: string): string | undefined {
  try {
    claimPath(text)
    return undefined
  } catch (error) {
    if (error instanceof SyntaxError) return error.message
    throw error
  }
}

function walk(claims: Readonly<Record<string, unknown>>, keys: readonly string[]): unknown {
  let value: unknown = claims
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) {
      return undefined
    }
    value = (value as Readonly<Record<string, unknown>>)[key]
  }
  return value
}

function keysOf(text: string): readonly string[] {
  if (text === '') throw new SyntaxError('expected the name of a claim')
  const keys: string[] = []
  for (let at = 0; ; at += 1) {
    const { key, end } = text[at] === '"' ? quotedKey(text, at) : bareKey(text, at)
    keys.push(key)
    at = end
    if (at === text.length) return keys
    if (text[at] !== '.') throw new SyntaxError(`expected a dot behind the quoted key, at character ${at + 1}`)
  }
}

interface Key {
  readonly key: string
  /** Behind its last character. */
  readonly end: number
}

function quotedKey(text: string, at: number): Key {
  QUOTED.lastIndex = at
  const [whole, inside] = QUOTED.exec(text) ?? []
  if (whole === undefined || inside === undefined) {
    throw new SyntaxError(
      `the quoted key at character ${at + 1} is empty, has no end, or a \\ before another character`,
    )
  }
  return { key: inside.replaceAll(/\\(.)/g, '$1'), end: at + whole.length }
}

function bareKey(text: string, at: number): Key {
  const dot = text.indexOf('.', at)
  const end = dot === -1 ? text.length : dot
  const key = text.slice(at, end)
  const quote = key.indexOf('"')
  if (quote === -1) return { key, end }
  throw new SyntaxError(`a quote begins a key or is written \\" inside quotes, at character ${at + quote + 1}`)
}
