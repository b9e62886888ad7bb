/**
 * Answers that overtake each other: a login and a recheck ask the same, what is true changes meanwhile, and the answers arrive
 * in any order. Nobody gets in by an answer where a question that was asked later has been answered already.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { AuthenticationRefused } from '../../auth/errors.ts'
import { KeptAnswers } from '../../auth/kept-answers.ts'
import { MemoryState } from '../../auth/state/memory/state.ts'
import { LoginCheck } from '../../auth/strategies/ldap/login-check.ts'

const RUNS = 2000

/** What is true from this change on: gone, or there. */
interface Truth {
  readonly version: number
  readonly isThere: boolean
}

interface Asked {
  readonly isRecheck: boolean
  found: Truth | undefined
  answer(found: Truth): void
}

type Step =
  | { readonly do: 'login'; readonly which: number }
  | { readonly do: 'recheck' }
  | { readonly do: 'read' | 'answer'; readonly which: number }
  | { readonly do: 'change'; readonly isThere: boolean }

/** Somebody who knows the truth at one moment, and says it at a later one. */
class Oracle {
  readonly asked: Asked[] = []
  /** Of the answers that have arrived, the one to the question that was asked last. */
  newest: { readonly at: number; readonly found: Truth } | undefined
  readonly #done = new Set<number>()
  #truth: Truth = { version: 0, isThere: true }

  async ask(isRecheck: boolean): Promise<Truth> {
    return await new Promise((resolve) => this.asked.push({ isRecheck, found: undefined, answer: resolve }))
  }

  change(isThere: boolean): void {
    this.#truth = { version: this.#truth.version + 1, isThere }
  }

  read(which: number): void {
    const open = this.asked.filter(({ found }) => found === undefined)
    const one = open[which % open.length]
    if (one !== undefined) one.found = this.#truth
  }

  /** @param saysGone whether a no to a login says that the person is gone: it may have been the password */
  answer(which: number, saysGone: boolean): void {
    const open = [...this.asked.entries()].filter(([at, { found }]) => found !== undefined && !this.#done.has(at))
    const [at, one] = open[which % open.length] ?? []
    if (at === undefined || one?.found === undefined) return
    this.#done.add(at)
    const counts = one.found.isThere || one.isRecheck || saysGone
    if (counts && at >= (this.newest?.at ?? 0)) this.newest = { at, found: one.found }
    one.answer(one.found)
  }

  get isDone(): boolean {
    return this.#done.size === this.asked.length
  }
}

interface Subject {
  /** Which state was let in; undefined: refused. */
  login(which: number): Promise<number | undefined>
  recheck(): Promise<unknown>
}

function kept(oracle: Oracle): Subject {
  const answers = new KeptAnswers<Truth>(10, 60_000, () => 0)
  return {
    async login() {
      const ask = async () => {
        const value = await oracle.ask(false)
        if (!value.isThere) throw new AuthenticationRefused('rejected', 'gone')
        return { value, expiresAtMs: undefined }
      }
      return await answers.get('key', ask).then(
        ({ version }) => version,
        () => undefined,
      )
    },
    async recheck() {
      return await answers.again('key', async () => {
        const value = await oracle.ask(true)
        return value.isThere ? { value, expiresAtMs: undefined } : undefined
      })
    },
  }
}

function directory(oracle: Oracle): Subject {
  const look = async (isRecheck: boolean) => {
    const { version, isThere } = await oracle.ask(isRecheck)
    return isThere ? { name: 'ann', dn: 'uid=ann', roles: [String(version)] } : undefined
  }
  const check = new LoginCheck({ prove: () => look(false) }, new MemoryState().attempts('x'), () => 0)
  return {
    // From two networks, of which each asks for itself.
    async login(which) {
      const verdict = await check.check('ann', 'word', which % 2 === 0 ? '192.0.2.1' : '198.51.100.1')
      return verdict.kind === 'right' ? Number(verdict.person.roles[0]) : undefined
    },
    recheck: () => check.again('ann', () => look(true)),
  }
}

const which = fc.nat({ max: 5 })
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('login' as const), which }),
    fc.constant({ do: 'recheck' } as const),
    fc.record({ do: fc.constantFrom('read' as const, 'answer' as const), which }),
    fc.record({ do: fc.constant('change' as const), isThere: fc.boolean() }),
  ),
  { maxLength: 25 },
)

async function holds(make: (oracle: Oracle) => Subject, saysGone: boolean, script: readonly Step[]): Promise<void> {
  const oracle = new Oracle()
  const subject = make(oracle)
  const logins: Promise<string>[] = []
  /** At the moment when a login is decided: later, more is known. */
  const judge = (version: number | undefined): string => {
    const { found } = oracle.newest ?? {}
    if (version === undefined || found === undefined) return 'right'
    if (version < found.version) return `let in by ${version}, where ${found.version} was known`
    return version > found.version || found.isThere ? 'right' : `let in by ${version}, known to be gone`
  }
  for (const step of script) {
    if (step.do === 'login') logins.push(subject.login(step.which).then(judge))
    else if (step.do === 'recheck') void subject.recheck()
    else if (step.do === 'read') oracle.read(step.which)
    else if (step.do === 'answer') oracle.answer(step.which, saysGone)
    else if (step.do === 'change') oracle.change(step.isThere)
    await setImmediate()
  }
  for (let n = 0; n < 100 && !oracle.isDone; n += 1) {
    oracle.read(0)
    oracle.answer(0, saysGone)
    await setImmediate()
  }
  const last = Promise.race([subject.login(0), setImmediate(undefined)]).then(judge)
  for (const judgement of await Promise.all([...logins, last])) assert.equal(judgement, 'right')
}

describe('answers that overtake each other', () => {
  it('B53 let nobody in by what was kept of an earlier question', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => await holds(kept, true, script)),
      { numRuns: RUNS },
    )
  })

  it('B53 let nobody in by what a directory said before', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => await holds(directory, false, script)),
      {
        numRuns: RUNS,
      },
    )
  })
})
