/** Proofs of live sessions that are looked at again: when, how often, and what becomes of the sessions. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Authenticator } from '../../../../auth/authenticator.ts'
import { combine } from '../../../../auth/combine.ts'
import type { Identity } from '../../../../auth/identity.ts'
import type { EndRequest } from '../../../../proxy/index.ts'
import { Log } from '../../../../src/ops/log.ts'
import type { Occupant } from '../../../../src/sessions/place.ts'
import { Rechecks } from '../../../../src/sessions/rechecks.ts'

const EVERY_MS = 60_000

function identity(subject: string, roles: readonly string[] = [], authenticator = 'directory'): Identity {
  return { issuer: authenticator, subject, authenticator, roles, claims: {}, fromCookie: false }
}

describe('Rechecks', () => {
  let nowMs = 0
  let asked: string[] = []
  let answer: (identity: Identity) => Promise<Identity | undefined> = async (one) => one
  let lives: Live[] = []
  let lines: string[] = []
  let rechecks: Rechecks

  class Live implements Pick<Occupant, 'record' | 'end' | 'goOn'> {
    record: Occupant['record']
    readonly ends: EndRequest[] = []
    readonly goneOn: Identity[] = []
    constructor(whose: Identity) {
      this.record = { identity: whose } as Occupant['record']
      lives.push(this)
    }
    /** By `update-secret`. */
    renew(fresh: Identity): void {
      this.record = { identity: fresh } as Occupant['record']
    }
    end(request: EndRequest): void {
      this.ends.push(request)
    }
    async goOn(next: (now: Identity) => Identity | undefined): Promise<void> {
      const fresh = next(this.record.identity)
      if (fresh !== undefined) this.goneOn.push(fresh)
    }
  }

  let inForce: Authenticator
  const directory: Authenticator = {
    name: 'directory',
    type: 'ldap',
    authenticate: async () => ({ kind: 'absent' }),
    recheck: {
      everyMs: EVERY_MS,
      keyOf: ({ subject, claims }) => `${subject} ${String(claims['token'])}`,
      again: async (one) => {
        asked.push(one.subject)
        return await answer(one)
      },
    },
  }

  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1000) {
      nowMs += 1000
      rechecks.tick()
      for (let turn = 0; turn < 4; turn += 1) await setImmediate()
    }
  }

  beforeEach(() => {
    inForce = directory
    nowMs = 0
    asked = []
    answer = async (one) => one
    lives = []
    lines = []
    const log = new Log('info', { write: (line) => void lines.push(line) })
    const sessions = { each: () => lives.values() as IterableIterator<unknown> as IterableIterator<Occupant> }
    const clock = { monotonicMs: () => nowMs, wallMs: () => nowMs }
    rechecks = new Rechecks(sessions, () => new Map([['directory', inForce]]), log, clock)
  })

  it('asks once within the time for all sessions of one proof, and for no others', async () => {
    for (const subject of ['joe', 'joe', 'ann']) new Live(identity(subject))
    new Live(identity('eve', [], 'tokens'))
    await pass(EVERY_MS)
    assert.deepEqual(asked.toSorted(), ['ann', 'joe'])
    assert.ok(lives.every(({ ends, goneOn }) => ends.length + goneOn.length === 0))
  })

  it('ends the sessions of a proof that does not hold any more, within the time and a second', async () => {
    const [joe, ann] = [new Live(identity('joe')), new Live(identity('ann'))]
    answer = async (one) => (one.subject === 'joe' ? undefined : one)
    await pass(EVERY_MS + 1000)
    assert.deepEqual(
      joe.ends.map(({ code, closeCode }) => [code, closeCode]),
      [['connection-forced', 4401]],
    )
    assert.deepEqual(ann.ends, [])
  })

  it('goes on with other roles, also of one who vouched beside others', async () => {
    const alone = new Live(identity('joe', ['clerk']))
    const both = new Live(combine([identity('joe', ['badge'], 'card'), identity('joe', ['clerk'])]))
    answer = async (one) => ({ ...one, roles: ['trader'] })
    await pass(EVERY_MS)
    assert.deepEqual(alone.goneOn[0]?.roles, ['trader'])
    assert.deepEqual(both.goneOn[0]?.roles, ['badge', 'trader'])
  })

  it('B53 gives each session of a proof the roles of now, whatever the first of them had', async () => {
    const [first, second] = [new Live(identity('joe', ['clerk'])), new Live(identity('joe', ['clerk', 'trader']))]
    answer = async (one) => ({ ...one, roles: ['clerk'] })
    await pass(EVERY_MS)
    assert.deepEqual(first.goneOn, [])
    assert.deepEqual(second.goneOn[0]?.roles, ['clerk'])
  })

  it('B53 leaves a session alone that has shown another proof since it was asked about', async () => {
    const [ended, changed] = [new Live(identity('joe', ['clerk'])), new Live(identity('ann', ['clerk']))]
    const answers = new Map<string, (found: Identity | undefined) => void>()
    answer = async (one) => await new Promise((resolve) => answers.set(one.subject, resolve))
    await pass(EVERY_MS)
    for (const live of [ended, changed]) live.renew({ ...live.record.identity, claims: { token: 'fresh' } })
    answers.get('joe')?.(undefined)
    answers.get('ann')?.(identity('ann', ['trader']))
    await pass(1000)
    assert.deepEqual([...ended.ends, ...changed.goneOn], [])
  })

  it('B53 asks again where a reload came before the answer', async () => {
    const joe = new Live(identity('joe', ['clerk']))
    let tell: (found: Identity | undefined) => void = () => undefined
    answer = async () => await new Promise((resolve) => (tell = resolve))
    await pass(EVERY_MS)
    const { recheck } = directory
    assert.ok(recheck)
    inForce = { ...directory, recheck: { ...recheck, again: async (one) => ({ ...one, roles: ['trader'] }) } }
    tell(undefined)
    await pass(2000)
    assert.deepEqual(joe.ends, [])
    assert.deepEqual(joe.goneOn[0]?.roles, ['trader'])
  })

  it('ends nothing where nobody can tell, and writes a line', async () => {
    const joe = new Live(identity('joe'))
    answer = async () => await Promise.reject(new Error('the directory is away'))
    await pass(EVERY_MS * 3)
    assert.deepEqual(joe.ends, [])
    assert.ok(lines.some((line) => line.includes('recheck-failed') && line.includes('the directory is away')))
  })

  it('asks not more than 64 questions at once', async () => {
    for (let n = 0; n < 200; n += 1) new Live(identity(`user-${n}`))
    answer = async () => await new Promise(() => undefined)
    await pass(EVERY_MS * 2)
    assert.equal(asked.length, 64)
  })
})
