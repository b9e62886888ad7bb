/** Sessions are judged ahead, a few in each turn; what has changed by the exchange is judged as it is then. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NO_ENTITLEMENT, PromotionRefused } from '../../../../../auth/index.ts'
import type { Generation } from '../../../../../src/gateway/generation.ts'
import { Judgements } from '../../../../../src/gateway/reloading/judgements.ts'
import { FilterBasis } from '../../../../../src/services/filter-basis.ts'
import type { Judged } from '../../../../../src/sessions/judge.ts'
import type { Occupant } from '../../../../../src/sessions/place.ts'

const JUDGE_MS = 2

/** A generation that counts how often it is asked about each session, and takes its time. */
class Next {
  readonly askedFor: string[] = []
  readonly services = new Map(['/amqp', '/other'].map((path) => [path, this.#service()]))

  #service() {
    const everything = { allows: () => true }
    const decide = (_: unknown, { sessionId }: { readonly sessionId: string }) => {
      this.askedFor.push(sessionId)
      for (const sinceMs = performance.now(); performance.now() - sinceMs < JUDGE_MS; );
      throw new PromotionRefused('no-rule', `asked ${this.askedFor.length} times`)
    }
    return { requirement: [{ name: 'staff' }], roles: [], origins: everything, addresses: everything, decide }
  }

  judgements(): Judgements {
    return new Judgements(this as unknown as Generation)
  }
}

const ann = { issuer: 'staff', subject: 'ann', authenticator: 'staff', roles: [], claims: {}, fromCookie: false }
const question = { identity: ann, service: '/amqp', address: '127.0.0.1', user: 'webuser', vhost: '/', session: 's0' }

const basis = (rules: string) => new FilterBasis(rules, { identity: ann, user: 'webuser', entitlement: undefined })

function session(index: number) {
  const judged: Judged = {
    id: `s${index}`,
    service: '/amqp',
    identity: ann,
    broker: 'main',
    node: 'amqp://a',
    user: 'webuser',
    vhost: '/',
    address: '127.0.0.1',
    origin: undefined,
    basis: basis('some terms'),
    entitled: undefined,
  }
  return { record: judged, judged }
}

/** One change of each kind. */
const CHANGES: { readonly [K in keyof Judged]: Judged[K] } = {
  id: 'another',
  service: '/other',
  identity: { ...ann },
  broker: 'other',
  node: 'amqp://b',
  user: 'other',
  vhost: '/other',
  address: '127.0.0.2',
  origin: 'https://app.example',
  basis: basis('other terms'),
  entitled: { question, entitlement: NO_ENTITLEMENT, atMs: 0 },
}

const asSessions = (sessions: readonly unknown[]) => sessions as readonly Occupant[]

describe('judgements', () => {
  it('are made ahead in many turns, in which others go on', async () => {
    const sessions = Array.from({ length: 20 }, (_, index) => session(index))
    const next = new Next()
    const judgements = next.judgements()
    let turns = 0
    const going = setInterval(() => {
      turns += 1
    }, 1)
    await judgements.ahead(asSessions(sessions))
    clearInterval(going)
    assert.ok(turns >= 5, `${turns} turns`)
    for (const one of asSessions(sessions)) judgements.of(one)
    assert.equal(next.askedFor.length, 20)
  })

  it('are counted, with some examples of those that end', async () => {
    const sessions = Array.from({ length: 25 }, (_, index) => session(index))
    const { sessions: counts, examples } = await new Next().judgements().ahead(asSessions(sessions))
    assert.deepEqual([counts, examples.length], [{ kept: 0, changed: 0, ended: 25 }, 20])
    assert.deepEqual(examples[0], { session: 's0', subject: 'ann', service: '/amqp', why: 'asked 1 times' })
  })

  it('are made anew of who has come', async () => {
    const [first, second] = [session(0), session(1)]
    const next = new Next()
    const judgements = next.judgements()
    await judgements.ahead(asSessions([first]))
    for (const one of asSessions([first, second])) judgements.of(one)
    assert.deepEqual(next.askedFor, ['s0', 's1'])
  })

  for (const [key, value] of Object.entries(CHANGES)) {
    it(`are made anew where ${key} is another one since`, async () => {
      const [one, other] = [session(0), session(1)]
      const next = new Next()
      const judgements = next.judgements()
      await judgements.ahead(asSessions([one, other]))
      one.judged = { ...one.judged, [key]: value }
      const [judgement] = asSessions([one, other]).map((now) => judgements.of(now))
      assert.deepEqual(next.askedFor, ['s0', 's1', one.judged.id])
      assert.ok(judgement?.outcome === 'ended')
      assert.equal(judgement.why, 'asked 3 times')
    })
  }
})
