/**
 * A reload: the next configuration is read, checked and compiled next to the present one, every live session is judged by
 * it, and all are exchanged in one turn of the event loop. Whatever fails before: nothing has changed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { InvalidConfiguration } from '../../../auth/index.ts'
import { staticChanges } from '../../config/checks/static-places.ts'
import { changesBetween } from '../../config/effective/changes.ts'
import { hashOf } from '../../config/effective/hash.ts'
import type { LoadedConfig } from '../../config/reading/load.ts'
import { ConfigError, formatPath, formatProblem } from '../../config/reading/problems.ts'
import type { Config } from '../../config/schema/schema.ts'
import type { Occupant } from '../../sessions/place.ts'
import type { JudgedElsewhere, PreparedElsewhere } from '../crew/crew.ts'
import type { Generation } from '../generation.ts'
import type { EndedByReload } from './ends.ts'
import { EXAMPLE_COUNT, type JudgedSession, Judgements, summaryOf } from './judgements.ts'
import { type ReloadOptions, ReloadRefused, type ReloadReport } from './report.ts'

/** What has been prepared next to what runs: either is called, once. */
export interface Prepared {
  readonly next: Generation
  /** What it means for sessions of other processes; absent: there are none. */
  readonly elsewhere?: JudgedElsewhere | undefined
  /** Puts it into force; synchronous, and cannot fail. */
  apply(): void
  /** Gives back what was opened for it. */
  abandon(): void
}

/** The gateway, as a reload sees it. */
export interface ReloadHost {
  readonly current: Generation
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
    const judgements = await this.#ahead(prepared)
    // From here on nothing waits: what a judgement rests on must not change before it is acted on.
    const judged = judgements.now(this.#host.liveSessions())
    const own = summaryOf(judged)
    const report: ReloadReport = {
      generation: next.number,
      hash,
      changes,
      sessions: {
        kept: own.sessions.kept + elsewhere.sessions.kept,
        changed: own.sessions.changed + elsewhere.sessions.changed,
        ended: own.sessions.ended + elsewhere.sessions.ended,
      },
    }
    if (dryRun) {
      prepared.abandon()
      return { ...report, examples: [...own.examples, ...elsewhere.examples].slice(0, EXAMPLE_COUNT) }
    }
    this.#apply(prepared, judged)
    return report
  }

  /** The part of one process in the reload of a gateway of several: all of them prepare it, and then all apply or abandon it. */
  async prepare(config: Config): Promise<PreparedElsewhere> {
    const prepared = await this.#host.prepare(config)
    const judgements = await this.#ahead(prepared)
    return {
      judged: summaryOf(judgements.now(this.#host.liveSessions())),
      // Sessions have come and gone meanwhile.
      apply: () => this.#apply(prepared, judgements.now(this.#host.liveSessions())),
      abandon: () => prepared.abandon(),
    }
  }

  async #ahead(prepared: Prepared): Promise<Judgements> {
    const judgements = new Judgements(prepared.next)
    try {
      await judgements.ahead(this.#host.liveSessions())
      return judgements
    } catch (error) {
      prepared.abandon()
      throw error
    }
  }

  #apply(prepared: Prepared, judged: readonly JudgedSession[]): void {
    prepared.apply()
    const ends: EndedByReload[] = []
    for (const { session, judgement } of judged) {
      if (judgement.outcome === 'ended') ends.push({ session, mayReturn: judgement.mayReturn })
      else session.adopt(judgement.service, judgement.terms)
    }
    this.#host.end(ends)
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
      throw error instanceof ReloadRefused ? error : new ReloadRefused('invalid', errorsOf(error), { cause: error })
    }
  }
}

function errorsOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.problems.map(formatProblem)
  if (error instanceof InvalidConfiguration)
    return error.problems.map(({ path, message }) => formatProblem({ path: formatPath(path), message }))
  return [error instanceof Error ? error.message : 'unknown failure']
}
