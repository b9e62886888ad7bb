import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { topicPattern } from '../../auth/policy/topic.ts'

type Words = readonly string[]

/** The definition, written down without any cleverness. */
function matchesByDefinition(pattern: Words, key: Words): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return key.length === 0
  if (first === '#')
    return matchesByDefinition(rest, key) || (key.length > 0 && matchesByDefinition(pattern, key.slice(1)))
  return key.length > 0 && (first === '*' || first === key[0]) && matchesByDefinition(rest, key.slice(1))
}

function sequences(alphabet: Words, longest: number): Words[] {
  const all: Words[] = [[]]
  let last: Words[] = [[]]
  for (let length = 1; length <= longest; length += 1) {
    last = last.flatMap((words) => alphabet.map((word) => [...words, word]))
    all.push(...last)
  }
  return all
}

const split = (text: string): Words => (text === '' ? [] : text.split('.'))

/** Which of the keys a pattern matches, as one bit each. */
function language(pattern: Words, keys: readonly Words[]): boolean[] {
  return keys.map((key) => matchesByDefinition(pattern, key))
}

const isSubset = (small: boolean[], large: boolean[]): boolean =>
  small.every((member, at) => !member || large[at] === true)

describe('topicPattern', () => {
  it('contains exactly what brute force over all short keys says, for all pairs of patterns up to three words', () => {
    const keys = sequences(['a', 'b', 'z'], 6)
    const patterns = sequences(['a', 'b', '*', '#'], 3)
    const languages = patterns.map((pattern) => language(pattern, keys))
    patterns.forEach((rule, r) => {
      const compiled = topicPattern(rule.join('.'))
      patterns.forEach((binding, b) => {
        const expected = isSubset(languages[b] ?? [], languages[r] ?? [])
        assert.equal(
          compiled.contains(binding.join('.')),
          expected,
          `"${rule.join('.')}" contains "${binding.join('.')}"`,
        )
      })
    })
  })

  it('contains exactly what brute force says, for longer generated patterns', () => {
    const keys = sequences(['a', 'b', 'z'], 8)
    const token = fc.constantFrom('a', 'b', '*', '*', '#')
    const pattern = fc.array(token, { maxLength: 5 })
    fc.assert(
      fc.property(pattern, pattern, (rule, binding) => {
        const expected = isSubset(language(binding, keys), language(rule, keys))
        assert.equal(topicPattern(rule.join('.')).contains(binding.join('.')), expected)
      }),
      { numRuns: 150 },
    )
  })

  it('finds patterns that were made by narrowing another one contained in it', () => {
    const token = fc.constantFrom('a', 'b', '', '*', '#')
    const narrowed = (word: string, by: Words): Words =>
      word === '#' ? by : word === '*' ? by.filter((w) => w !== '#').slice(0, 1) : [word]
    const parts = fc.array(fc.tuple(token, fc.array(token, { minLength: 1, maxLength: 3 })), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(parts, (pairs) => {
        const rule = pairs.map(([word]) => word)
        const pieces = pairs.map(([word, by]) => narrowed(word, by))
        // A `*` that nothing was left for stays itself.
        const binding = pieces.flatMap((piece, at) => (rule[at] === '*' && piece.length === 0 ? ['*'] : piece))
        if (binding.join('.') === '' && binding.length === 1) return
        if (rule.join('.') === '' && rule.length === 1) return
        assert.ok(
          topicPattern(rule.join('.')).contains(binding.join('.')),
          `"${rule.join('.')}" contains "${binding.join('.')}"`,
        )
      }),
    )
  })

  it('matches exactly by the definition', () => {
    const token = fc.constantFrom('a', 'b', 'ab', '', '*', '#')
    fc.assert(
      fc.property(fc.array(token, { maxLength: 8 }), fc.array(token, { maxLength: 8 }), (pattern, key) => {
        const source = pattern.join('.')
        const text = key.join('.')
        assert.equal(topicPattern(source).matches(text), matchesByDefinition(split(source), split(text)))
      }),
      { numRuns: 5000 },
    )
  })

  it('matches a pattern read as a key wherever it contains it', () => {
    const token = fc.constantFrom('a', 'b', '*', '#')
    const pattern = fc.array(token, { maxLength: 6 }).map((words) => words.join('.'))
    fc.assert(
      fc.property(pattern, pattern, (rule, binding) => {
        const compiled = topicPattern(rule)
        fc.pre(compiled.contains(binding))
        assert.ok(compiled.matches(binding))
      }),
      { numRuns: 2000 },
    )
  })
})
