/**
 * A reload: the next configuration is read, checked and compiled next to the present one, and every live session is judged by
 * it. It comes into force in one turn of the event loop, and the sessions follow in those after it. Whatever fails before:
 * nothing has changed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { InvalidConfiguration } from '../../../auth/index.ts'
import { staticChanges } from '../../config/checks/static-places.ts'
import { changesBetween } from '../../config/effective/changes.ts'
import { hashOf } from '../../config/effective/hash.ts'
import type { LoadedConfig } from '../../config/reading/load.ts'
import { ConfigError, formatPath, formatProblem } from '../../config/reading/problems.ts'
import type { Config } from '../../config/schema/schema.ts'
import { BROKEN } from '../../sessions/end-requests.ts'
import type { Occupant } from '../../sessions/place.ts'
import type { JudgedElsewhere, PreparedElsewhere } from '../crew/crew.ts'
import type { Generation } from '../generation.ts'
import type { EndedByReload } from './ends.ts'
import { inTurns } from './in-turns.ts'
import { EXAMPLE_COUNT, Judgements, Outcomes } from './judgements.ts'
import { type ReloadOptions, ReloadRefused, type ReloadReport } from './report.ts'

/** What has been prepared next to what runs: either is called, once. */
export interface Prepared {
  readonly next: Generation
  /** What it means for sessions of other processes; absent: there are none. */
  readonly elsewhere?: JudgedElsewhere | undefined
  /** Puts it into force in this turn, and cannot fail. Resolves when other processes have followed. */
  apply(): Promise<void>
  /** Gives back what was opened for it. */
  abandon(): void
}

/** The gateway, as a reload sees it. */
export interface ReloadHost {
  readonly current: Generation
  /** It gives back all that it has opened, and would not find what is opened now. */
  readonly isStopping: boolean
  /** Reads the configuration again, or a candidate's text. @throws {ConfigError} */
  read(text: string | undefined): LoadedConfig
  /** Compiles it and opens what it needs. @throws {ConfigError, InvalidConfiguration, Error} */
  prepare(config: Config): Promise<Prepared>
  liveSessions(): Iterable<Occupant>
  /** Does it while no process of this gateway begins. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** Ends sessions that the new configuration has no room for, evenly. */
  end(chosen: readonly EndedByReload[]): void
}

const NOBODY: JudgedElsewhere = { sessions: { kept: 0, changed: 0, ended: 0 }, examples: [] }

export class Reload {
  readonly #host: ReloadHost
  #isUnderWay = false
  /** Until the sessions have followed the last one. */
  #following: Promise<unknown> = Promise.resolve()

  constructor(host: ReloadHost) {
    this.#host = host
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay
  }

  /** @throws {ReloadRefused} and then nothing has changed */
  async run(options: ReloadOptions = {}): Promise<ReloadReport> {
    if (this.#isUnderWay) throw new ReloadRefused('busy', ['another reload is under way'])
    this.#isUnderWay = true
    try {
      return await this.#host.alone(async () => await this.#run(options))
    } finally {
      this.#isUnderWay = false
    }
  }

  async #run({ dryRun = false, text, ifHash }: ReloadOptions): Promise<ReloadReport> {
    const { current } = this.#host
    const presentHash = hashOf(current.config)
    if (ifHash !== undefined && ifHash !== presentHash)
      throw new ReloadRefused('hash', [`the present configuration has the hash ${presentHash}`])
    const prepared = await this.#prepared(dryRun ? text : undefined)
    const { next, elsewhere = NOBODY } = prepared
    const [hash, changes] = [hashOf(next.config), changesBetween(current.config, next.config)]
    const { judgements, ahead } = await this.#judged(prepared)
    const report = (own: JudgedElsewhere): ReloadReport => ({
      generation: next.number,
      hash,
      changes,
      sessions: {
        kept: own.sessions.kept + elsewhere.sessions.kept,
        changed: own.sessions.changed + elsewhere.sessions.changed,
        ended: own.sessions.ended + elsewhere.sessions.ended,
      },
    })
    if (dryRun) {
      prepared.abandon()
      return { ...report(ahead), examples: [...ahead.examples, ...elsewhere.examples].slice(0, EXAMPLE_COUNT) }
    }
    if (this.#host.isStopping) {
      prepared.abandon()
      throw new ReloadRefused('invalid', ['the gateway stops'])
    }
    return report(await this.#apply(prepared, judgements))
  }

  /** The part of one process in the reload of a gateway of several: all of them prepare it, and then all apply or abandon it. */
  async prepare(config: Config): Promise<PreparedElsewhere> {
    await this.#following
    const prepared = await this.#host.prepare(config)
    const { judgements, ahead } = await this.#judged(prepared)
    return {
      judged: ahead,
      apply: async () => void (await this.#apply(prepared, judgements)),
      abandon: () => prepared.abandon(),
    }
  }

  async #judged(prepared: Prepared): Promise<{ judgements: Judgements; ahead: JudgedElsewhere }> {
    const judgements = new Judgements(prepared.next)
    try {
      return { judgements, ahead: await judgements.ahead(this.#host.liveSessions()) }
    } catch (error) {
      prepared.abandon()
      throw refusedFor(error)
    }
  }

  async #apply(prepared: Prepared, judgements: Judgements): Promise<JudgedElsewhere> {
    // Whoever begins from this turn on begins by the next one.
    const sessions = [...this.#host.liveSessions()]
    const elsewhere = prepared.apply()
    const following = this.#follow(sessions, judgements)
    this.#following = Promise.allSettled([following])
    const outcomes = await following
    await elsewhere
    return outcomes
  }

  async #follow(sessions: readonly Occupant[], judgements: Judgements): Promise<Outcomes> {
    const outcomes = new Outcomes()
    const ends: EndedByReload[] = []
    await inTurns(sessions, (session) => {
      try {
        const judgement = judgements.of(session)
        outcomes.add(session, judgement)
        if (judgement.outcome === 'ended') ends.push({ session, mayReturn: judgement.mayReturn })
        else if (judgement.outcome === 'kept') session.keep(judgement.service, judgement.rule)
        else session.adopt(judgement.service, judgement.terms)
      } catch {
        // What goes wrong in one session ends that one: no other may keep the old rules for it.
        session.end(BROKEN)
      }
    })
    this.#host.end(ends)
    return outcomes
  }

  async #prepared(text: string | undefined): Promise<Prepared> {
    try {
      const { config } = this.#host.read(text)
      // Of a configuration that was judged before, and so not by its reading.
      const moved = staticChanges(this.#host.current.config, config)
      if (moved.length > 0) {
        throw new ConfigError(moved.map(({ path, message }) => ({ path: formatPath(path), message })))
      }
      await nextTurn()
      return await this.#host.prepare(config)
    } catch (error) {
      throw refusedFor(error)
    }
  }
}

function refusedFor(error: unknown): ReloadRefused {
  return error instanceof ReloadRefused ? error : new ReloadRefused('invalid', errorsOf(error), { cause: error })
}

function errorsOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.problems.map(formatProblem)
  if (error instanceof InvalidConfiguration)
    return error.problems.map(({ path, message }) => formatProblem({ path: formatPath(path), message }))
  return [error instanceof Error ? error.message : 'unknown failure']
}
