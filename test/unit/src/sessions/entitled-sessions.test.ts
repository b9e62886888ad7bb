/** Live sessions under entitlements: when they are asked for again, and what becomes of them. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Entitlements } from '../../../../auth/entitlements/entitlements.ts'
import type { EndRequest } from '../../../../proxy/index.ts'
import { Log } from '../../../../src/ops/log.ts'
import type { Entitled } from '../../../../src/services/service.ts'
import { type EntitledSession, EntitledSessions } from '../../../../src/sessions/entitled-sessions.ts'
import { facts } from '../../../support/policy.ts'

const REFRESH_MS = 60_000
const STALE_MS = 120_000

describe('EntitledSessions', () => {
  let nowMs = 0
  let answer: () => unknown = () => ({ allow: true })
  let asked: string[] = []
  let sessions: EntitledSessions
  let lines: string[] = []

  const entitlements = new Entitlements(
    { module: '/m', timeout: 1000, refresh: REFRESH_MS, staleFor: STALE_MS },
    {
      readFile: async () => Buffer.alloc(0),
      env: () => undefined,
      load: async () => ({
        default: (input: { subject: string }) => {
          asked.push(input.subject)
          return answer()
        },
      }),
    },
  )

  class Live implements EntitledSession {
    entitlements: Entitlements | undefined = entitlements
    readonly told: string[] = []
    readonly ends: EndRequest[] = []
    entitle({ entitlement }: Entitled): void {
      this.told.push(entitlement.roles.join())
    }
    end(request: EndRequest): void {
      this.ends.push(request)
      sessions.leave(this)
    }
  }

  async function entitled(subject: string): Promise<Entitled> {
    const question = {
      identity: facts(subject).identity,
      service: '/amqp',
      address: '::1',
      user: 'u',
      vhost: '/',
      session: 's',
    }
    return { question, entitlement: await entitlements.ask(question), atMs: nowMs }
  }

  async function joined(subject: string): Promise<Live> {
    const live = new Live()
    sessions.join(live, await entitled(subject))
    return live
  }

  /** Second by second, with all that is asked answered. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1000) {
      nowMs += 1000
      sessions.tick()
      for (let turn = 0; turn < 4; turn += 1) await setImmediate()
    }
  }

  beforeEach(() => {
    nowMs = 0
    answer = () => ({ allow: true })
    asked = []
    lines = []
    const log = new Log('info', { write: (line) => void lines.push(line) })
    sessions = new EntitledSessions(log, { monotonicMs: () => nowMs, wallMs: () => Date.now() + nowMs })
  })

  it('asks once within each refresh, for all sessions of one identity', async () => {
    const lives = await Promise.all(['joe', 'joe', 'ann'].map(joined))
    assert.equal(sessions.questionCount, 2)
    asked = []
    await pass(REFRESH_MS)
    assert.deepEqual(asked.toSorted(), ['ann', 'joe'])
    assert.ok(lives.every(({ ends }) => ends.length === 0))
  })

  it('tells every session what changed, within refresh and a second', async () => {
    const [one, two] = await Promise.all(['joe', 'joe'].map(joined))
    answer = () => ({ allow: true, roles: ['desk'] })
    await pass(REFRESH_MS + 1000)
    assert.equal(one?.told.at(-1), 'desk')
    assert.equal(two?.told.at(-1), 'desk')
  })

  it('takes the answer at a login for news to the other sessions', async () => {
    const one = await joined('joe')
    nowMs += 10
    answer = () => ({ allow: true, roles: ['desk'] })
    await joined('joe')
    assert.deepEqual(one.told.at(-1), 'desk')
  })

  it('ends the sessions of whom the service refuses, with its reason', async () => {
    const one = await joined('joe')
    answer = () => ({ allow: false, reason: 'left the desk' })
    await pass(REFRESH_MS + 1000)
    const [end] = one.ends
    assert.deepEqual(
      [end?.reason, end?.code, end?.closeCode, end?.explanation],
      ['entitlement-ended', 'connection-forced', 4403, 'left the desk'],
    )
    assert.equal(sessions.questionCount, 0)
  })

  it('keeps the last answer for staleFor, then ends with 1013', async () => {
    const one = await joined('joe')
    answer = () => {
      throw new Error('away')
    }
    await pass(REFRESH_MS + STALE_MS - 15_000)
    assert.deepEqual(one.ends, [])
    await pass(17_000)
    assert.deepEqual(
      one.ends.map(({ closeCode }) => closeCode),
      [1013],
    )
    assert.ok(lines.some((line) => line.includes('entitlements-failed') && line.includes('away')))
  })

  it('goes on where the service is back in time', async () => {
    const one = await joined('joe')
    answer = () => ({})
    await pass(REFRESH_MS + 60_000)
    answer = () => ({ allow: true })
    await pass(STALE_MS)
    assert.deepEqual(one.ends, [])
  })

  it('ends what was granted until a time, unless it is granted for longer by then', async () => {
    const untilMs = Date.now() + 30_000
    answer = () => ({ allow: true, until: new Date(untilMs).toISOString() })
    const [one, two] = [await joined('joe'), await joined('ann')]
    await pass(20_000)
    answer = () => ({ allow: true })
    await pass(8_000)
    assert.deepEqual([one.ends, two.ends], [[], []])
    await pass(10_000)
    assert.deepEqual([one.ends, two.ends], [[], []])
    answer = () => ({ allow: true, until: new Date(untilMs).toISOString() })
    const three = await joined('eve')
    answer = () => ({})
    await pass(31_000)
    assert.deepEqual(
      three.ends.map(({ closeCode }) => closeCode),
      [4403],
    )
  })

  it('asks nobody any more where the service has no entitlements', async () => {
    const one = await joined('joe')
    one.entitlements = undefined
    asked = []
    await pass(REFRESH_MS * 2)
    assert.deepEqual(asked, [])
    assert.deepEqual(one.ends, [])
  })

  it('asks not more than 64 questions at once', async () => {
    await Promise.all(Array.from({ length: 100 }, (_, index) => joined(`user-${index}`)))
    let under = 0
    let most = 0
    answer = () => {
      under += 1
      most = Math.max(most, under)
      return new Promise(() => undefined)
    }
    nowMs += REFRESH_MS
    sessions.tick()
    await setImmediate()
    assert.equal(most, 64)
  })
})
