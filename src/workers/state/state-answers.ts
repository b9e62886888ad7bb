/** The primary's side of what authenticators remember: answers the questions of one worker from what it keeps for all. */
import { type AuthState, type Login, type Logins, StateUnavailable } from '../../../auth/index.ts'
import { readIdentity, writtenIdentity } from '../../state/identity-text.ts'
import { readLogin } from '../../state/logins/text.ts'
import type { ProcessLine } from '../process-line.ts'
import { loginIn, loginLine, renewalIn } from './login-lines.ts'
import type { KnownLogin, StateQuestions } from './questions.ts'

/** As long as a refresh may take at the worker that does it: see src/state/logins/logins.ts. */
const WORK_MS = 20_000

export interface StateAnswering {
  readonly state: AuthState
  /** Whatever `work` asks of a store behind the state takes no longer than one budget. */
  withinBudget<T>(work: () => Promise<T>): Promise<T>
}

/** Answers from now on. */
export function answerState(channel: ProcessLine, { state, withinBudget }: StateAnswering): void {
  const answer = <Q extends keyof StateQuestions>(
    question: Q,
    handler: (ask: StateQuestions[Q]['ask']) => Promise<StateQuestions[Q]['answer']>,
  ): void => channel.answer(question, async (ask: StateQuestions[Q]['ask']) => await withinBudget(() => handler(ask)))
  answer('tickets.issue', async ({ scope, identity, binding, limits }) => {
    return (await state.tickets(scope).issue(readIdentity(identity), binding, limits)) ?? null
  })
  answer('tickets.take', async ({ scope, ticket, binding }) => {
    const taken = await state.tickets(scope).take(ticket, binding)
    return 'identity' in taken ? { identity: writtenIdentity(taken.identity) } : taken
  })
  answer('tickets.revoke', async ({ scope, keys }) => {
    await state.tickets(scope).revoke(keys)
    return null
  })
  answer('attempts.peek', async ({ scope, user, address }) => await state.attempts(scope).peek(user, address))
  answer('attempts.begin', async ({ scope, user, address }) => await state.attempts(scope).begin(user, address))
  answer('attempts.succeeded', async ({ scope, user, address }) => {
    await state.attempts(scope).succeeded(user, address)
    return null
  })
  answer('attempts.withdrawn', async ({ scope, user, address }) => {
    await state.attempts(scope).withdrawn(user, address)
    return null
  })
  answer('pending.seal', async ({ scope, pending }) => await state.pendingLogins(scope).seal(pending))
  answer('pending.open', async ({ scope, sealed }) => (await state.pendingLogins(scope).open(sealed)) ?? null)
  answer('pending.sealDevice', async ({ scope, pending }) => await state.pendingLogins(scope).sealDevice(pending))
  answer('pending.openDevice', async ({ scope, sealed }) => {
    return (await state.pendingLogins(scope).openDevice(sealed)) ?? null
  })
  const refreshes = new Refreshes(channel)
  answer('logins.add', async ({ scope, text, limits, before }) => {
    const logins = state.logins(scope)
    const added = await logins.add(readLogin('', text), limits, before === null ? undefined : loginIn(before))
    const hash = (await logins.find(added.id))?.hash
    if (hash === undefined) throw new StateUnavailable('the login has ended in the moment it began')
    return { ...added, hash }
  })
  answer('logins.find', async ({ scope, id }) => {
    const login = await state.logins(scope).find(id)
    return login === undefined ? null : loginLine(login)
  })
  answer('logins.renew', async ({ scope, login, renewal }) => {
    const logins = state.logins(scope)
    const found = await refreshes.find(logins, login)
    return found !== undefined && (await logins.renew(found, renewalIn(renewal)))
  })
  answer('logins.end', async ({ scope, login }) => await state.logins(scope).end(loginIn(login)))
  answer('logins.endOf', async ({ scope, sub, sid }) => {
    return await state.logins(scope).endOf({ sub: sub ?? undefined, sid: sid ?? undefined })
  })
  // The work is done by an identity provider, and has no budget at the store.
  channel.answer('logins.refresh', async (asked) => await refreshes.run(state.logins(asked.scope), asked))
}

/** Logins that a worker refreshes at the moment: each is the one object that the state gave out for it. */
class Refreshes {
  readonly #channel: ProcessLine
  readonly #held = new Map<number, Login>()
  #number = 0

  constructor(channel: ProcessLine) {
    this.#channel = channel
  }

  async find(logins: Logins, known: KnownLogin): Promise<Login | undefined> {
    return 'held' in known ? this.#held.get(known.held) : await logins.find(known.id)
  }

  async run(
    logins: Logins,
    { id, refreshedAtMs, work }: StateQuestions['logins.refresh']['ask'],
  ): ReturnType<Logins['refreshAlone']> {
    const found = await logins.find(id)
    if (found === undefined) return 'ended'
    if (found.refreshedAtMs !== refreshedAtMs) return 'renewed'
    return await logins.refreshAlone(found, async (current) => {
      this.#number += 1
      const held = this.#number
      this.#held.set(held, current)
      try {
        return await this.#channel.ask('logins.work', { work, held, login: loginLine(current) }, WORK_MS)
      } finally {
        this.#held.delete(held)
      }
    })
  }
}
