/** Which names and binding patterns are fit to be decided upon at all. Where the broker would repair, the gateway refuses. */

/** Bounds of a binding pattern: a broker's topic exchange can be kept busy for minutes by a single one. */
const PATTERN_ANY_MAX = 2
const PATTERN_ONE_MAX = 16
const PATTERN_WORDS_MAX = 128

/**
 * Whether a name has characters that some of the broker's methods drop and others keep (CR, LF), or that no name needs.
 */
export function hasControlCharacters(name: string): boolean {
  for (let at = 0; at < name.length; at += 1) {
    const unit = name.charCodeAt(at)
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return true
  }
  return false
}

/** How many words a routing key has; an empty one has none. */
export function wordCount(key: string): number {
  if (key === '') return 0
  let count = 1
  for (let at = key.indexOf('.'); at !== -1; at = key.indexOf('.', at + 1)) count += 1
  return count
}

/** Whether a binding pattern keeps within the bounds. */
export function isModestPattern(pattern: string): boolean {
  let any = 0
  let one = 0
  const words = pattern.split('.')
  for (const word of words) {
    if (word === '#') any += 1
    else if (word === '*') one += 1
  }
  return words.length <= PATTERN_WORDS_MAX && any <= PATTERN_ANY_MAX && one <= PATTERN_ONE_MAX
}
