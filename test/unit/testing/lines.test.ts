import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Lines } from '../../../testing/lines.ts'

interface Line {
  readonly event: 'opened' | 'ended'
  readonly subject?: string
  readonly count?: number
}

const SHORT_MS = 20

it('finds the first line that is there, by its fields or a check', async () => {
  const lines = new Lines<Line>('log')
  const joe: Line = { event: 'opened', subject: 'joe' }
  const jane: Line = { event: 'opened', subject: 'jane', count: 2 }
  for (const line of [joe, jane]) lines.add(line)
  assert.equal(await lines.first('opened', {}, SHORT_MS), joe)
  assert.equal(await lines.first('opened', { subject: 'jane' }, SHORT_MS), jane)
  assert.equal(await lines.first('opened', ({ count = 0 }) => count > 1, SHORT_MS), jane)
})

it('waits for the line that matches, and for no other', async () => {
  const lines = new Lines<Line>('log')
  const waiting = lines.first('ended', { subject: 'joe' }, 60_000)
  lines.add({ event: 'opened', subject: 'joe' })
  lines.add({ event: 'ended', subject: 'jane' })
  const joe: Line = { event: 'ended', subject: 'joe' }
  lines.add(joe)
  assert.equal(await waiting, joe)
})

it('says what there is when the line does not appear', async () => {
  const lines = new Lines<Line>('audit trail')
  await assert.rejects(
    lines.first('ended', {}, SHORT_MS),
    /^Error: no ended in the audit trail within 20 ms; there is: nothing$/,
  )
  lines.add({ event: 'opened' })
  await assert.rejects(lines.first('ended', {}, SHORT_MS), /there is: opened$/)
  lines.add({ event: 'ended', subject: 'jane' })
  await assert.rejects(
    lines.first('ended', { subject: 'joe' }, SHORT_MS),
    /^Error: no ended {"subject":"joe"} in the audit trail within 20 ms; there is: {"event":"ended","subject":"jane"}$/,
  )
})
