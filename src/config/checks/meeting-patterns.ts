/**
 * Whether two patterns of names, variables and all, can be filled in so that they reach the same name. In a name `*` is any
 * run of characters, `?` is one, and a variable is one word: it has no dot.
 */

const STAR = '*'
const QUESTION = '?'
/** A variable. No text of one character is the same. */
const WORD = 'word'
const TOKENS = /\$\{[^}]*\}|./gsu

export function patternsMeet(one: string, other: string): boolean {
  const [left, right] = [tokensOf(one), tokensOf(other)]
  /** Where both can have come to; a place that was left without success is not tried again. */
  const tried = new Set<number>()
  const ways: [number, number][] = [[0, 0]]
  for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
    const [i, j] = way
    const key = i * (right.length + 1) + j
    if (tried.has(key)) continue
    tried.add(key)
    const [a, b] = [left[i], right[j]]
    if (a === undefined && b === undefined) return true
    if (isRun(a)) ways.push([i + 1, j])
    if (isRun(b)) ways.push([i, j + 1])
    if (a === undefined || b === undefined) continue
    if (isRun(a) && takes(a, b)) ways.push([i, j + 1])
    if (isRun(b) && takes(b, a)) ways.push([i + 1, j])
    if (!isRun(a) && !isRun(b) && (a === b || a === QUESTION || b === QUESTION)) ways.push([i + 1, j + 1])
  }
  return false
}

function tokensOf(pattern: string): string[] {
  return [...pattern.matchAll(TOKENS)].map(([token]) => (token.startsWith('${') ? WORD : token))
}

function isRun(token: string | undefined): boolean {
  return token === STAR || token === WORD
}

/** Whether a run may have in it what the other pattern has here. */
function takes(run: string, token: string): boolean {
  return run === STAR || token !== '.'
}
