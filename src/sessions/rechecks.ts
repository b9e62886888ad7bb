/**
 * Looks again at the proofs of live sessions whose authenticator can: a directory's account, an opaque token. Sessions of one
 * proof share a question. Where nobody can tell, a session goes on; where the proof does not hold any more, it ends. An answer
 * counts for sessions that hang on this proof still, and of the configuration in force.
 */
import { type Authenticator, combine, type Identity } from '../../auth/index.ts'
import type { Log } from '../ops/log.ts'
import { authorityEnded } from './end-requests.ts'
import { type Clock, SYSTEM_CLOCK } from './lifetime.ts'
import type { Occupant } from './place.ts'
import type { Sessions } from './registry.ts'
import type { Ticked } from './ticker.ts'

type Recheck = NonNullable<Authenticator['recheck']>

/** Most questions under way. */
const ASKING_MAX = 64
/** Part of the time after which a proof is looked at: some of it is chance, so that not all are due at once. */
const EARLIEST = 0.8
const SPREAD = 0.15

/** One proof, and all sessions that hang on it. */
interface Proof {
  readonly authenticator: string
  readonly recheck: Recheck
  readonly part: Identity
  readonly sessions: Occupant[]
}

interface Due {
  atMs: number
  isAsking: boolean
}

export class Rechecks implements Ticked {
  readonly #sessions: Pick<Sessions, 'each'>
  readonly #authenticators: () => ReadonlyMap<string, Authenticator>
  readonly #log: Log
  readonly #clock: Clock
  #due = new Map<string, Due>()
  #askingCount = 0

  /** @param authenticators of the present generation */
  constructor(
    sessions: Pick<Sessions, 'each'>,
    authenticators: () => ReadonlyMap<string, Authenticator>,
    log: Log,
    clock: Clock = SYSTEM_CLOCK,
  ) {
    this.#sessions = sessions
    this.#authenticators = authenticators
    this.#log = log
    this.#clock = clock
  }

  tick(): void {
    const rechecks = new Map(
      [...this.#authenticators()].flatMap(([name, { recheck }]) =>
        recheck === undefined ? [] : [[name, recheck] as const],
      ),
    )
    if (rechecks.size === 0) return this.#due.clear()
    const nowMs = this.#clock.monotonicMs()
    const due = new Map<string, Due>()
    for (const [key, proof] of this.#proofs(rechecks)) {
      const one = this.#due.get(key) ?? { atMs: nextMs(nowMs, proof.recheck), isAsking: false }
      due.set(key, one)
      if (one.isAsking || nowMs < one.atMs || this.#askingCount >= ASKING_MAX) continue
      one.atMs = nextMs(nowMs, proof.recheck)
      this.#ask(proof, one).catch((error: unknown) => this.#log.write('internal-error', { detail: String(error) }))
    }
    this.#due = due
  }

  #proofs(rechecks: ReadonlyMap<string, Recheck>): ReadonlyMap<string, Proof> {
    const proofs = new Map<string, Proof>()
    for (const session of this.#sessions.each()) {
      const { identity } = session.record
      for (const part of identity.parts ?? [identity]) {
        const { authenticator } = part
        const recheck = rechecks.get(authenticator)
        if (recheck === undefined) continue
        const key = JSON.stringify([authenticator, recheck.keyOf(part)])
        const known = proofs.get(key)
        if (known === undefined) proofs.set(key, { authenticator, recheck, part, sessions: [session] })
        else known.sessions.push(session)
      }
    }
    return proofs
  }

  async #ask({ authenticator, recheck, part, sessions }: Proof, due: Due): Promise<void> {
    due.isAsking = true
    this.#askingCount += 1
    try {
      const found = await recheck.again(part)
      // Another configuration asks for itself, and at once.
      if (this.#authenticators().get(authenticator)?.recheck !== recheck) due.atMs = this.#clock.monotonicMs()
      else await Promise.all(sessions.map(async (session) => await goOnAs(session, found, { recheck, part })))
    } catch (error) {
      const detail = error instanceof Error ? error.message : 'unknown failure'
      this.#log.write('recheck-failed', { authenticator, detail, count: sessions.length })
    } finally {
      due.isAsking = false
      this.#askingCount -= 1
    }
  }
}

function nextMs(nowMs: number, { everyMs }: Recheck): number {
  return nowMs + everyMs * (EARLIEST + Math.random() * SPREAD)
}

function hasOtherRoles(before: Identity, now: Identity): boolean {
  const roles = new Set(before.roles)
  return roles.size !== new Set(now.roles).size || now.roles.some((role) => !roles.has(role))
}

/** What one of those who vouched says now replaces what it said, unless it has proved the session by something else since. */
async function goOnAs(
  session: Occupant,
  found: Identity | undefined,
  { recheck, part }: Pick<Proof, 'recheck' | 'part'>,
): Promise<void> {
  const key = recheck.keyOf(part)
  const hangsOn = (one: Identity) => one.authenticator === part.authenticator && recheck.keyOf(one) === key
  const next = (now: Identity): Identity | undefined => {
    const parts = now.parts ?? [now]
    const index = parts.findIndex(hangsOn)
    const before = parts[index]
    if (found === undefined || before === undefined || !hasOtherRoles(before, found)) return undefined
    return combine(parts.with(index, found))
  }
  const { identity } = session.record
  if (found === undefined && (identity.parts ?? [identity]).some(hangsOn)) session.end(authorityEnded('revoked'))
  else if (next(identity) !== undefined) await session.goOn(next)
}
