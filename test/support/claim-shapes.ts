/** Claims as nobody expects them, and what may be read out of them: for the property tests and the fuzzer. */

/** A path of keys, each of them quoted, whatever it holds. */
export function quotedPath(keys: readonly string[]): string {
  return keys.map((key) => `"${key.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join('.')
}

/** Every text in a value, keys of objects included. */
export function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return [...(Array.isArray(value) ? [] : Object.keys(value)), ...Object.values(value).flatMap(textsIn)]
}

/** What a list of roles may have in it where this value was found. @param separator undefined: a text is one role */
export function writtenRoles(value: unknown, separator: string | undefined): ReadonlySet<string> {
  return new Set(
    textsIn(value).flatMap((text) => [
      text,
      ...(separator === undefined ? [] : text.split(separator).map((part) => part.trim())),
    ]),
  )
}

/** What stands between roles in one text, where they are found at this path. */
export function separatorAt(path: readonly string[], declared: string | undefined): string | undefined {
  const last = path.at(-1)
  return declared ?? (last === 'scope' || last === 'scp' ? ' ' : undefined)
}
