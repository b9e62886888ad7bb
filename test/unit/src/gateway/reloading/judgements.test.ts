/** Sessions are judged ahead, a few in each turn; what has changed by the exchange is judged as it is then. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Generation } from '../../../../../src/gateway/generation.ts'
import { Judgements, summaryOf } from '../../../../../src/gateway/reloading/judgements.ts'
import type { Judgement } from '../../../../../src/sessions/judge.ts'
import type { Occupant } from '../../../../../src/sessions/place.ts'

const JUDGE_MS = 2
const next = { services: new Map() } as unknown as Generation

class Judged {
  revision = 0
  judgedCount = 0
  readonly record = { id: '', service: '/amqp', identity: { subject: 'ann' } }

  judge(): Judgement {
    this.judgedCount += 1
    for (const sinceMs = performance.now(); performance.now() - sinceMs < JUDGE_MS; );
    return { outcome: 'ended', why: `judged for the ${this.judgedCount}. time`, mayReturn: false }
  }
}

const asSessions = (sessions: readonly Judged[]) => sessions as unknown as readonly Occupant[]

describe('judgements', () => {
  it('are made ahead in many turns, in which others go on', async () => {
    const sessions = Array.from({ length: 20 }, () => new Judged())
    const judgements = new Judgements(next)
    let turns = 0
    const going = setInterval(() => {
      turns += 1
    }, 1)
    await judgements.ahead(asSessions(sessions))
    clearInterval(going)
    assert.ok(turns >= 5, `${turns} turns`)
    judgements.now(asSessions(sessions))
    assert.deepEqual([...new Set(sessions.map(({ judgedCount }) => judgedCount))], [1])
  })

  it('are made anew of what has changed since, and of who has come', async () => {
    const sessions = Array.from({ length: 6 }, () => new Judged())
    const judgements = new Judgements(next)
    await judgements.ahead(asSessions(sessions.slice(0, 4)))
    const [gone, renewed] = sessions
    assert.ok(gone && renewed)
    renewed.revision += 1
    const judged = judgements.now(asSessions(sessions.slice(1)))
    assert.deepEqual(
      sessions.map(({ judgedCount }) => judgedCount),
      [1, 2, 1, 1, 1, 1],
    )
    assert.equal(judged.length, 5)
    const { sessions: counts, examples } = summaryOf(judged)
    assert.deepEqual([counts, examples.length], [{ kept: 0, changed: 0, ended: 5 }, 5])
    assert.equal(examples[0]?.why, 'judged for the 2. time')
  })
})
