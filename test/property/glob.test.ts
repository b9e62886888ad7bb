import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { glob } from '../../auth/glob.ts'

function matchesByDefinition(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return text.length === 0
  if (first === '*')
    return matchesByDefinition(rest, text) || (text.length > 0 && matchesByDefinition(pattern, text.slice(1)))
  return text.length > 0 && (first === '?' || first === text[0]) && matchesByDefinition(rest, text.slice(1))
}

describe('glob', () => {
  it('matches exactly by the definition', () => {
    const pattern = fc.array(fc.constantFrom('a', 'b', '.', '*', '?', '😀'), { maxLength: 9 })
    const text = fc.array(fc.constantFrom('a', 'b', '.', '*', '?', '😀'), { maxLength: 9 })
    fc.assert(
      fc.property(pattern, text, (wanted, given) => {
        assert.equal(glob(wanted.join(''))(given.join('')), matchesByDefinition(wanted, given))
      }),
      { numRuns: 10_000 },
    )
  })
})
