/** Expressions: what is spoken, what is refused with which words, and that nothing makes them slow. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileExpression } from '../../../../../auth/promotion/conditions/expression.ts'

describe('an expression', () => {
  const rows: readonly [string, readonly string[], readonly string[]][] = [
    ['', [''], ['a']],
    ['abc', ['abc'], ['ab', 'abcd', 'xabc', 'ABC', '']],
    ['a|bc|', ['a', 'bc', ''], ['b', 'abc']],
    ['a.c', ['abc', 'a\nc', 'a\u{1F600}c'], ['ac', 'abbc']],
    ['[a-c]x[^a-c]', ['axd', 'cx!'], ['axa', 'dxd']],
    ['[a\\]-]+', ['a', ']', '-', 'a-]'], ['b', '']],
    ['[\\w.]+@[\\d]+', ['joe.smith@1'], ['joe smith@1', '@1']],
    ['\\w+\\s\\d\\D\\W\\S', ['ab 1x!z'], ['ab 1xxz']],
    ['(ab)+', ['ab', 'abab'], ['', 'aba']],
    ['(?:ab|c){2,3}', ['abc', 'ccc', 'cab'], ['c', 'cccc']],
    ['a{3}', ['aaa'], ['aa', 'aaaa']],
    ['a{2,}', ['aa', 'aaaaa'], ['a']],
    ['a{0}b', ['b'], ['ab']],
    ['(a*)*b', ['b', 'aaab'], ['a']],
    ['\\.\\*\\(\\)\\[\\]\\{\\}\\|\\\\\\^\\$', ['.*()[]{}|\\^$'], ['']],
    ['}', ['}'], []],
    ['\u{1F600}?', ['\u{1F600}', ''], ['\ud83d']],
  ]
  for (const [source, yes, no] of rows) {
    it(`${JSON.stringify(source)} covers what it should`, () => {
      const covers = compileExpression(source)
      for (const value of yes) assert.equal(covers(value), true, JSON.stringify(value))
      for (const value of no) assert.equal(covers(value), false, JSON.stringify(value))
    })
  }

  const refused: readonly [string, RegExp][] = [
    ['^a', /not needed/],
    ['a$', /not needed/],
    ['*a', /nothing to repeat/],
    ['+', /nothing to repeat/],
    ['a|?', /nothing to repeat/],
    ['{', /nothing to repeat/],
    ['a**', /after another/],
    ['a*?', /after another/],
    ['a++', /after another/],
    ['a{2}{3}', /after another/],
    ['(a', /"\)" is missing/],
    ['a)', /without/],
    ['(?=a)', /only/],
    ['(?<n>a)', /only/],
    ['(?!a)', /only/],
    ['\\1', /not spoken/],
    ['\\b', /not spoken/],
    ['\\u0041', /not spoken/],
    ['\\', /too early/],
    ['[a', /too early/],
    ['[]', /empty class/],
    ['[[:alpha:]]', /inside a class/],
    ['[z-a]', /smaller character/],
    ['a{', /expected \{n\}/],
    ['a{,3}', /expected \{n\}/],
    ['a{3', /"\}" is missing/],
    ['a{3,2}', /smaller number/],
    ['a{257}', /at most 256/],
    ['((a{100}){100})', /too large/],
    ['a'.repeat(513), /longer/],
  ]
  for (const [source, message] of refused) {
    it(`refuses ${JSON.stringify(source.slice(0, 20))}`, () =>
      assert.throws(
        () => compileExpression(source),
        (error) => error instanceof SyntaxError && message.test(error.message),
      ))
  }

  it('is quick where backtracking would take for ever', () => {
    const startedAtMs = performance.now()
    for (const source of ['(a*)*b', '(a|a)*b', '(a|aa)+b', '(.*)*(.*)*(.*)*b', '(a?){200}a{200}b']) {
      assert.equal(compileExpression(source)('a'.repeat(1000)), false)
    }
    assert.ok(performance.now() - startedAtMs < 5000)
  })

  it('matches no value beyond its bound', () => {
    assert.equal(compileExpression('a*')('a'.repeat(1024)), true)
    assert.equal(compileExpression('a*')('a'.repeat(1025)), false)
  })
})
