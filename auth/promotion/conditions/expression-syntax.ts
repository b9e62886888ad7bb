/** Reads the expressions that `matches` speaks into a tree. What they mean is expression.ts's business. */

export type Syntax =
  | { readonly kind: 'character'; readonly accepts: (codePoint: number) => boolean }
  | { readonly kind: 'sequence'; readonly items: readonly Syntax[] }
  | { readonly kind: 'choice'; readonly items: readonly Syntax[] }
  | { readonly kind: 'repeat'; readonly item: Syntax; readonly min: number; readonly max: number }

type Accepts = (codePoint: number) => boolean

const MAX_SOURCE_CHARACTERS = 512
const MAX_REPEATS = 256
const PUNCTUATION = /^[!-/:-@[-`{-~]$/
const DIGIT: Accepts = (c) => c >= 0x30 && c <= 0x39
const WORD: Accepts = (c) => DIGIT(c) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c === 0x5f
const SPACE: Accepts = (c) => /\s/u.test(String.fromCodePoint(c))
const not =
  (accepts: Accepts): Accepts =>
  (c) =>
    !accepts(c)
const CLASSES: ReadonlyMap<string, Accepts> = new Map([
  ['d', DIGIT],
  ['D', not(DIGIT)],
  ['w', WORD],
  ['W', not(WORD)],
  ['s', SPACE],
  ['S', not(SPACE)],
])

/** @throws SyntaxError saying what is not understood and at which character */
export function parseExpression(source: string): Syntax {
  const characters = [...source]
  if (characters.length > MAX_SOURCE_CHARACTERS)
    throw new SyntaxError(`longer than ${MAX_SOURCE_CHARACTERS} characters`)
  const reader = new Reader(characters)
  const syntax = choice(reader)
  if (!reader.isDone()) reader.fail('")" without "("')
  return syntax
}

class Reader {
  readonly #characters: readonly string[]
  #at = 0

  constructor(characters: readonly string[]) {
    this.#characters = characters
  }

  isDone(): boolean {
    return this.#at >= this.#characters.length
  }

  peek(): string | undefined {
    return this.#characters[this.#at]
  }

  take(): string {
    const taken = this.peek()
    if (taken === undefined) this.fail('the expression ends too early')
    this.#at += 1
    return taken
  }

  skip(expected: string): boolean {
    if (this.peek() !== expected) return false
    this.#at += 1
    return true
  }

  number(): number | undefined {
    let digits = ''
    while (/^[0-9]$/.test(this.peek() ?? '')) digits += this.take()
    return digits === '' ? undefined : Number(digits)
  }

  fail(what: string): never {
    throw new SyntaxError(`${what}, at character ${this.#at + 1}`)
  }
}

function choice(reader: Reader): Syntax {
  const items = [sequence(reader)]
  while (reader.skip('|')) items.push(sequence(reader))
  return items.length === 1 && items[0] !== undefined ? items[0] : { kind: 'choice', items }
}

function sequence(reader: Reader): Syntax {
  const items: Syntax[] = []
  while (!reader.isDone() && reader.peek() !== '|' && reader.peek() !== ')') items.push(repeated(reader, atom(reader)))
  return { kind: 'sequence', items }
}

function atom(reader: Reader): Syntax {
  const character = reader.take()
  switch (character) {
    case '.':
      return { kind: 'character', accepts: () => true }
    case '[':
      return { kind: 'character', accepts: characterClass(reader) }
    case '\\':
      return {
        kind: 'character',
        accepts: CLASSES.get(reader.peek() ?? '') ? shorthand(reader) : exactly(escaped(reader)),
      }
    case '(': {
      if (reader.skip('?') && !reader.skip(':')) reader.fail('only "(…)" and "(?:…)" are spoken')
      const inner = choice(reader)
      if (!reader.skip(')')) reader.fail('")" is missing')
      return inner
    }
    case '^':
    case '$':
      return reader.fail(`"${character}" is not needed: an expression always covers the whole value`)
    case '*':
    case '+':
    case '?':
    case '{':
      return reader.fail(`"${character}" has nothing to repeat; for the character itself write "\\${character}"`)
    default:
      return { kind: 'character', accepts: exactly(character) }
  }
}

function repeated(reader: Reader, item: Syntax): Syntax {
  const bounds = quantifier(reader)
  if (bounds === undefined) return item
  if (['*', '+', '?', '{'].includes(reader.peek() ?? '')) reader.fail('one repetition after another is not spoken')
  return { kind: 'repeat', item, ...bounds }
}

function quantifier(reader: Reader): { readonly min: number; readonly max: number } | undefined {
  if (reader.skip('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
  if (reader.skip('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
  if (reader.skip('?')) return { min: 0, max: 1 }
  if (!reader.skip('{')) return undefined
  const min = reader.number()
  if (min === undefined) return reader.fail('expected {n}, {n,} or {n,m}; for the character itself write "\\{"')
  const max = reader.skip(',') ? (reader.number() ?? Number.POSITIVE_INFINITY) : min
  if (!reader.skip('}')) reader.fail('"}" is missing')
  if (min > max) reader.fail('the smaller number comes first')
  if (min > MAX_REPEATS || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEATS))
    reader.fail(`at most ${MAX_REPEATS} repetitions`)
  return { min, max }
}

function shorthand(reader: Reader): Accepts {
  const accepts = CLASSES.get(reader.take())
  return accepts ?? reader.fail('unknown class')
}

function escaped(reader: Reader): string {
  const character = reader.take()
  if (!PUNCTUATION.test(character)) reader.fail(`"\\${character}" is not spoken`)
  return character
}

function exactly(character: string): Accepts {
  const expected = character.codePointAt(0)
  return (codePoint) => codePoint === expected
}

function characterClass(reader: Reader): Accepts {
  const negated = reader.skip('^')
  const members: Accepts[] = []
  while (!reader.skip(']')) {
    if (reader.skip('\\')) {
      if (CLASSES.has(reader.peek() ?? '')) members.push(shorthand(reader))
      else members.push(range(reader, escaped(reader)))
    } else {
      const character = reader.take()
      if (character === '[') reader.fail('write "\\[" inside a class')
      members.push(range(reader, character))
    }
  }
  if (members.length === 0) reader.fail('an empty class matches nothing')
  const accepts: Accepts = (codePoint) => members.some((member) => member(codePoint))
  return negated ? not(accepts) : accepts
}

function range(reader: Reader, first: string): Accepts {
  if (reader.peek() !== '-') return exactly(first)
  reader.take()
  if (reader.peek() === ']') {
    const single = exactly(first)
    return (codePoint) => single(codePoint) || codePoint === 0x2d
  }
  const last = reader.skip('\\') ? escaped(reader) : reader.take()
  const from = first.codePointAt(0) ?? 0
  const to = last.codePointAt(0) ?? 0
  if (from > to) reader.fail('a range goes from the smaller character to the larger')
  return (codePoint) => codePoint >= from && codePoint <= to
}
