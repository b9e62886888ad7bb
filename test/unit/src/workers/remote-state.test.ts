/** The state that workers reach through the primary passes what every implementation has to. */
import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { StateUnavailable } from '../../../../auth/errors.ts'
import type { Login } from '../../../../auth/state/logins.ts'
import { MemoryState } from '../../../../auth/state/memory/state.ts'
import { RemoteState } from '../../../../src/workers/state/remote-state.ts'
import { answerState } from '../../../../src/workers/state/state-answers.ts'
import { StateLine } from '../../../../src/workers/state/state-line.ts'
import { describeAttempts } from '../../../support/state/attempts.ts'
import { describeLogins } from '../../../support/state/logins.ts'
import { JOE, type StateRig } from '../../../support/state/rig.ts'
import { describeTickets } from '../../../support/state/tickets.ts'
import { workerLine } from '../../../support/worker-line.ts'

const NOW_MS = 1_800_000_000_000
mock.timers.enable({ apis: ['Date', 'setTimeout'], now: NOW_MS })

/** A primary with so many workers. */
function workersOf(count: number, budgetMs = 5_000) {
  mock.timers.setTime(NOW_MS)
  const workers = Array.from({ length: count }, () => {
    const line = workerLine()
    return { line, state: new RemoteState(new StateLine(line.worker, budgetMs)) }
  })
  const kept = new MemoryState({ monotonicMs: Date.now, nowMs: Date.now }, (scope, { hash, endsAtMs }) => {
    const news = { kind: 'logins', scope, logins: [[hash, endsAtMs]] } as const
    for (const { line } of workers) void line.primary.ask('news', { news, atMs: Date.now() }, 5_000)
  })
  for (const { line, state } of workers) {
    answerState(line.primary, { state: kept, withinBudget: async (work) => await work() })
    line.worker.answer('news', ({ news }) => {
      if (news.kind === 'logins') state.logins(news.scope).endedElsewhere(news.logins)
      return null
    })
  }
  return workers
}

function rig(): StateRig {
  const [worker] = workersOf(1)
  assert.ok(worker)
  return {
    state: worker.state,
    elapse: async (ms) => mock.timers.tick(ms),
    slackMs: 0,
    forgets: false,
  }
}

describe('state of workers', () => {
  describeTickets(rig)
  describeAttempts(rig)
  describeLogins(rig)

  const begun: Omit<Login, 'hash'> = {
    identity: JOE,
    idClaims: {},
    refreshToken: undefined,
    refreshedAtMs: NOW_MS,
    sub: 'joe',
    sid: 'sid-1',
    endsAtMs: NOW_MS + 60_000,
  }
  const limits = { loginCount: 10, perPersonCount: 10 }

  it('is one for all of them: a ticket is taken once, wherever it was issued', async () => {
    const [one, two] = workersOf(2)
    assert.ok(one && two)
    const binding = { service: '/amqp', origin: undefined }
    const ticket = await one.state
      .tickets('a')
      .issue(JOE, binding, { ttlSeconds: 30, ticketCount: 9, perIdentityCount: 9 })
    assert.ok(ticket)
    const taken = await Promise.all([one, two, one].map(({ state }) => state.tickets('a').take(ticket, binding)))
    assert.equal(taken.filter((answer) => 'identity' in answer).length, 1)
  })

  it('ends what was proven with a login at all workers', async () => {
    const [one, two] = workersOf(2)
    assert.ok(one && two)
    const { id } = await one.state.logins('a').add(begun, limits)
    const [here, there] = await Promise.all([one, two].map(({ state }) => state.logins('a').find(id)))
    assert.ok(here && there)
    await one.state.logins('a').endOf({ sid: 'sid-1' })
    await two.state.logins('a').find(id)
    assert.deepEqual(
      [one.state.logins('a').holds(here.identity), two.state.logins('a').holds(there.identity)],
      [false, false],
    )
  })

  it('refreshes a login at one worker at a time', async () => {
    const workers = workersOf(2)
    const [one] = workers
    assert.ok(one)
    const { id } = await one.state.logins('a').add(begun, limits)
    let count = 0
    const outcomes = workers.map(async ({ state }) => {
      const logins = state.logins('a')
      const login = await logins.find(id)
      assert.ok(login)
      return await logins.refreshAlone(login, async (current) => {
        count += 1
        assert.equal(await logins.renew(current, { refreshedAtMs: NOW_MS + 1 }), true)
        return 'renewed'
      })
    })
    assert.deepEqual(await Promise.all(outcomes), ['renewed', 'renewed'])
    assert.equal(count, 1)
  })

  it('is away where the primary has gone, and where it does not answer in time', async () => {
    const [worker] = workersOf(1)
    assert.ok(worker)
    const asked = worker.state.attempts('a').peek('joe', '192.0.2.1')
    worker.line.cut()
    await assert.rejects(asked, StateUnavailable)
    await assert.rejects(worker.state.attempts('a').peek('joe', '192.0.2.1'), /the other process is gone/)

    const silent = new StateLine(workerLine().worker, 200)
    const late = silent.withinBudget(
      async () => await silent.ask('attempts.peek', { scope: 'a', user: 'joe', address: '::1' }),
    )
    mock.timers.tick(200)
    await assert.rejects(late, /did not answer: no answer within 200 ms/)
  })
})
