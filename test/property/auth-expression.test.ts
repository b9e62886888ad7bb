/** Expressions against Node's own regular expressions, on everything both can say. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compileExpression } from '../../auth/promotion/expression.ts'

const value = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', '1', '_', ' ', '.', '\u00e9', '\u{1F600}'),
  maxLength: 8,
})

const { expression } = fc.letrec<{ expression: string; term: string; atom: string }>((tie) => ({
  atom: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(
      'a',
      'b',
      'c',
      '.',
      '\\.',
      '\\d',
      '\\W',
      '\\s',
      '[ab]',
      '[^a-c]',
      '[\\w.]',
      '[a-]',
      '\u00e9',
      '\u{1F600}',
    ),
    tie('expression').map((inner) => `(${inner})`),
    tie('expression').map((inner) => `(?:${inner})`),
  ),
  term: fc
    .tuple(tie('atom'), fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '{0,}'))
    .map(([atom, quantifier]) => `${atom}${quantifier}`),
  expression: fc
    .array(fc.array(tie('term'), { maxLength: 4 }), { minLength: 1, maxLength: 3 })
    .map((branches) => branches.map((terms) => terms.join('')).join('|')),
}))

/** Nothing for what is refused for its size. */
function compiled(source: string): ((text: string) => boolean) | undefined {
  try {
    return compileExpression(source)
  } catch (error) {
    if (error instanceof SyntaxError && /too large|longer than/.test(error.message)) return undefined
    throw error
  }
}

describe('any expression', () => {
  it('covers what Node’s does', () => {
    fc.assert(
      fc.property(expression, fc.array(value, { minLength: 1, maxLength: 8 }), (source, values) => {
        // Node’s own would take minutes for longer ones.
        fc.pre(source.length < 40)
        const covers = compiled(source)
        fc.pre(covers !== undefined)
        const reference = new RegExp(`^(?:${source})$`, 'su')
        for (const text of values) assert.equal(covers(text), reference.test(text), JSON.stringify([source, text]))
      }),
      { numRuns: 1500 },
    )
  })

  it('is compiled, or refused as a SyntaxError', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab()[]{}|*+?\\^$.,-12:<=!'), maxLength: 14 }), (source) => {
        try {
          compileExpression(source)('ab')
        } catch (error) {
          assert.ok(error instanceof SyntaxError, String(error))
        }
      }),
      { numRuns: 3000 },
    )
  })
})
