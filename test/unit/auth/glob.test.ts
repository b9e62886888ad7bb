import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { glob } from '../../../auth/glob.ts'
import { nameGlob } from '../../../auth/policy/name-glob.ts'

describe('glob', () => {
  const cases: readonly (readonly [pattern: string, text: string, expected: boolean])[] = [
    ['orders', 'orders', true],
    ['orders', 'Orders', false],
    ['orders', 'orders.x', false],
    ['*', '', true],
    ['*', 'a.b', true],
    ['ui.*', 'ui.', true],
    ['ui.*', 'ui', false],
    ['*.dead', 'a.b.dead', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a?c', 'a.c', true],
    ['?', '😀', true],
    ['??', '😀', false],
    ['*?', '😀', true],
    ['*😀?', 'a😀b', true],
    ['a.c', 'abc', false],
    ['[a]', 'a', false],
    ['[a].(b)+$*', '[a].(b)+$', true],
    ['joe', 'joe ', false],
    ['a*', 'a\nb', true],
    ['**', 'x', true],
    ['*a*', 'bab', true],
  ]
  for (const [pattern, text, expected] of cases) {
    it(`B11 "${pattern}" ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
      assert.equal(glob(pattern)(text), expected)
    })
  }

  it('B11 takes no longer for many stars', () => {
    const matches = glob('*a'.repeat(120))
    const before = process.hrtime.bigint()

    assert.equal(matches(`${'a'.repeat(254)}b`), false)

    assert.ok(Number(process.hrtime.bigint() - before) / 1e6 < 10)
  })
})

describe('nameGlob', () => {
  it('B25 reaches what begins with amq.rabbitmq. only when the pattern begins so', () => {
    const reaching = ['*', 'amq.*', 'amq.rabbitmq*', 'amq?rabbitmq.*', 'amq.rabbitmq.*', 'amq.rabbitmq.trace'].filter(
      (pattern) => nameGlob(pattern)('amq.rabbitmq.trace'),
    )

    assert.deepEqual(reaching, ['amq.rabbitmq.*', 'amq.rabbitmq.trace'])
  })

  it('B46 reaches queues that the broker named only when the pattern begins so', () => {
    const reaching = ['*', 'amq.*', 'amq.g*', 'amq?gen-*', '*gen-x', 'amq.rabbitmq.*', 'amq.gen-*', 'amq.gen-x'].filter(
      (pattern) => nameGlob(pattern)('amq.gen-x'),
    )

    assert.deepEqual(reaching, ['amq.gen-*', 'amq.gen-x'])
    assert.ok(nameGlob('*')('amq.general'))
  })

  it('matches no empty name', () => {
    assert.deepEqual(
      ['*', '', '**'].filter((pattern) => nameGlob(pattern)('')),
      [],
    )
  })

  it('reaches the predeclared exchanges by pattern', () => {
    assert.ok(nameGlob('amq.*')('amq.topic'))
  })
})
