/** Globs over whole values: `*` any run, dots included, `?` one character, everything else itself. No escapes. */

/** Whether the glob covers the whole value. Time is bounded by the product of the two lengths. */
export function compileGlob(glob: string): (value: string) => boolean {
  const pattern = [...glob]
  return (value) => covers(pattern, [...value])
}

function covers(pattern: readonly string[], value: readonly string[]): boolean {
  let at = 0
  let position = 0
  let lastStar = -1
  let retryFrom = 0
  while (position < value.length) {
    const expected = pattern[at]
    if (expected === '*') {
      lastStar = at
      retryFrom = position
      at += 1
    } else if (expected === '?' || (expected !== undefined && expected === value[position])) {
      at += 1
      position += 1
    } else if (lastStar !== -1) {
      // Only the last star needs to take one more character: whatever an earlier one could take, this one can.
      at = lastStar + 1
      retryFrom += 1
      position = retryFrom
    } else {
      return false
    }
  }
  while (pattern[at] === '*') at += 1
  return at === pattern.length
}
