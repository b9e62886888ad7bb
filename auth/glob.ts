/**
 * Globs over whole texts: `*` stands for any run of characters, dots included, `?` for one character; everything else for
 * itself. Names, claims and roles are matched by the same one.
 *
 * Not regular expressions, and matched without any: a mismatch steps back to the last `*` only, so the time taken is
 * bounded by the lengths of text and pattern multiplied, however many stars a pattern has. There is no escape character.
 */

const STAR = 0x2a
const QUESTION = 0x3f

/** Whether a pattern has wildcards, so that it may stand for more than one text. */
function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?')
}

/** A matcher of whole texts. */
export function glob(pattern: string): (text: string) => boolean {
  if (!isGlob(pattern)) return (text) => text === pattern
  const prefix = pattern.slice(0, -1)
  if (pattern.endsWith('*') && !isGlob(prefix)) return (text) => text.startsWith(prefix)
  return (text) => matchGlob(pattern, text)
}

function matchGlob(pattern: string, text: string): boolean {
  let inPattern = 0
  let inText = 0
  // Where to go on after a mismatch: behind the last star, one character later than the last attempt.
  let afterStar = -1
  let retryAt = 0
  while (inText < text.length) {
    const wanted = inPattern < pattern.length ? pattern.charCodeAt(inPattern) : -1
    if (wanted === STAR) {
      inPattern += 1
      afterStar = inPattern
      retryAt = inText
    } else if (wanted === QUESTION) {
      inPattern += 1
      inText += characterUnits(text, inText)
    } else if (wanted === text.charCodeAt(inText)) {
      inPattern += 1
      inText += 1
    } else {
      if (afterStar === -1) return false
      retryAt += characterUnits(text, retryAt)
      inPattern = afterStar
      inText = retryAt
    }
  }
  while (inPattern < pattern.length && pattern.charCodeAt(inPattern) === STAR) inPattern += 1
  return inPattern === pattern.length
}

/** One character may be two code units. */
function characterUnits(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}
