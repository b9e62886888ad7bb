import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldAlike } from '../../../../../src/config/reading/alike.ts'

const findings = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ path: ['rules', index], at: 'key' as const, message: 'seldom meant' }))

test('three warnings of one text stand as they are', () => {
  assert.deepEqual(foldAlike(findings(3)), findings(3))
})

test('of four the third counts the fourth', () => {
  const [first, second, third] = findings(3)
  assert.deepEqual(foldAlike(findings(4)), [first, second, { ...third, message: 'seldom meant (and at 1 more place)' }])
})

test('ten thousand are three lines, and other texts between them stay where they were', () => {
  const other = { path: ['log'], at: 'value' as const, message: 'another' }
  const folded = foldAlike([...findings(2), other, ...findings(9_998)])
  assert.deepEqual(
    folded.map(({ message }) => message),
    ['seldom meant', 'seldom meant', 'another', 'seldom meant (and at 9997 more places)'],
  )
})
