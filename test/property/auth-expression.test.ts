/** Expressions against Node's own regular expressions, on everything both can say. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createContext, Script } from 'node:vm'
import fc from 'fast-check'
import { compileExpression } from '../../auth/promotion/conditions/expression.ts'

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

const asked = createContext({ source: '', text: '' })
const ask = new Script("new RegExp(`^(?:${source})$`, 'su').test(text)")

/** Node's own answer; nothing where it would take minutes, as backtracking may for a few characters. */
function nodeSays(source: string, text: string): boolean | undefined {
  Object.assign(asked, { source, text })
  try {
    return ask.runInContext(asked, { timeout: 500 }) as boolean
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined
    throw error
  }
}

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
        fc.pre(source.length < 40)
        const covers = compiled(source)
        fc.pre(covers !== undefined)
        for (const text of values) {
          const reference = nodeSays(source, text)
          fc.pre(reference !== undefined)
          assert.equal(covers(text), reference, JSON.stringify([source, text]))
        }
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
