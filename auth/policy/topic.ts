/**
 * Topic patterns: words between dots, `*` for exactly one word, `#` for any number of words, none included.
 *
 * Two questions are answered: whether a key matches, and whether a pattern *contains* another one, that is, matches
 * every key the other one matches. Containment is decided on automata, exactly; comparing the texts, or matching the
 * other pattern as if it were a key, would not do (`*.b` matches the text `#.b`, but does not contain it).
 *
 * As in RabbitMQ an empty key has no words, words may be empty, and wildcards are wildcards only as whole words.
 */

/** Most words of a pattern, and of a key: a key of 255 bytes could have 256. */
const TOPIC_WORDS_MAX = 128

const ONE = '*'
const ANY = '#'

export interface TopicPattern {
  readonly source: string
  /** Whether it matches this key, read literally. */
  matches(key: string): boolean
  /** Whether it matches every key that the other pattern matches. */
  contains(other: string): boolean
}

/** @throws RangeError for a pattern of too many words */
export function topicPattern(source: string): TopicPattern {
  const words = normalised(wordsOf(source))
  if (words.length > TOPIC_WORDS_MAX) throw new RangeError(`a topic pattern has at most ${TOPIC_WORDS_MAX} words`)
  const automaton = automatonOf(words)
  return {
    source,
    matches: matcher(words),
    contains: (other) => containsLanguage(automaton, normalised(wordsOf(other))),
  }
}

function wordsOf(pattern: string): string[] {
  return pattern === '' ? [] : pattern.split('.')
}

/** The same language, with every run of wildcards written as single words first and at most one `#` last. */
function normalised(words: readonly string[]): string[] {
  const result: string[] = []
  let isOpen = false
  for (const word of words) {
    if (word === ANY) {
      isOpen = true
      continue
    }
    if (isOpen && word !== ONE) {
      result.push(ANY)
      isOpen = false
    }
    result.push(word)
  }
  if (isOpen) result.push(ANY)
  return result
}

function matcher(words: readonly string[]): (key: string) => boolean {
  const wildcard = words.findIndex((word) => word === ONE || word === ANY)
  if (wildcard === -1) {
    const literal = words.join('.')
    return (key) => key === literal
  }
  if (words.length === 1 && words[0] === ANY) return () => true
  if (wildcard === words.length - 1 && words[wildcard] === ANY) {
    const stem = words.slice(0, -1).join('.')
    const prefix = `${stem}.`
    // A single empty word cannot be written as a key: the empty key has no words.
    return (key) => key.startsWith(prefix) || (key === stem && key !== '')
  }
  return (key) => matchWords(words, key)
}

/** Walks over the key once; a mismatch steps back to the last `#`. Allocates nothing. */
function matchWords(words: readonly string[], key: string): boolean {
  const finish = key.length + 1
  let next = 0
  let at = key === '' ? finish : 0
  let afterAny = -1
  let retryAt = 0
  while (at < finish) {
    const word = words[next]
    if (word === ANY) {
      next += 1
      if (next === words.length) return true
      afterAny = next
      retryAt = at
      continue
    }
    const end = wordEnd(key, at)
    if (word !== undefined && (word === ONE || (word.length === end - at && key.startsWith(word, at)))) {
      next += 1
      at = end + 1
      continue
    }
    if (afterAny === -1) return false
    retryAt = wordEnd(key, retryAt) + 1
    at = retryAt
    next = afterAny
  }
  return next === words.length || (next === words.length - 1 && words[next] === ANY)
}

function wordEnd(key: string, at: number): number {
  const end = key.indexOf('.', at)
  return end === -1 ? key.length : end
}

/** A pattern as a nondeterministic automaton whose set of states is a number: bit i means "i words are behind us". */
interface Automaton {
  /** States that read any word and go on. */
  readonly one: bigint
  /** States that read any word and stay, or go on without reading. */
  readonly any: bigint
  /** For each literal word the states that read it and go on. */
  readonly literals: ReadonlyMap<string, bigint>
  readonly accepting: bigint
}

function automatonOf(words: readonly string[]): Automaton {
  const literals = new Map<string, bigint>()
  let one = 0n
  let any = 0n
  words.forEach((word, position) => {
    const bit = 1n << BigInt(position)
    if (word === ONE) one |= bit
    else if (word === ANY) any |= bit
    else literals.set(word, (literals.get(word) ?? 0n) | bit)
  })
  return { one, any, literals, accepting: 1n << BigInt(words.length) }
}

/** A word that is written in neither pattern: what it matches, every other word matches, too. */
const FRESH = undefined

function step(automaton: Automaton, states: bigint, word: string | typeof FRESH): bigint {
  const reading = word === FRESH ? automaton.one : automaton.one | (automaton.literals.get(word) ?? 0n)
  return skip(automaton, ((states & reading) << 1n) | (states & automaton.any))
}

/** Adds what is reached without reading. One step is all of it, as no two `#` are neighbours. */
function skip(automaton: Automaton, states: bigint): bigint {
  return states | ((states & automaton.any) << 1n)
}

/**
 * Runs the automaton over everything the other pattern matches, with a fresh word in the place of every wildcard. For
 * `#` the set of states after 0, 1, 2, … fresh words soon repeats itself, so only finitely many sets are to be followed.
 */
function containsLanguage(automaton: Automaton, other: readonly string[]): boolean {
  let current: Set<bigint> = new Set([skip(automaton, 1n)])
  for (const word of other) {
    const following = new Set<bigint>()
    for (const states of current) {
      if (word === ANY) {
        for (let reached = states; !following.has(reached); reached = step(automaton, reached, FRESH))
          following.add(reached)
      } else {
        following.add(step(automaton, states, word === ONE ? FRESH : word))
      }
    }
    if (following.has(0n)) return false
    current = following
  }
  for (const states of current) if ((states & automaton.accepting) === 0n) return false
  return true
}
