/**
 * A reload: the next configuration is read, checked and compiled next to the present one, every live session is judged by
 * it, and both are exchanged in one turn of the event loop. Whatever fails before: nothing has changed.
 */
import { InvalidConfiguration } from '../../../auth/index.ts'
import { staticChanges } from '../../config/checks/static-places.ts'
import { changesBetween } from '../../config/effective/changes.ts'
import { hashOf } from '../../config/effective/hash.ts'
import type { LoadedConfig } from '../../config/reading/load.ts'
import { ConfigError, formatPath, formatProblem } from '../../config/reading/problems.ts'
import type { Config } from '../../config/schema/schema.ts'
import type { Judgement } from '../../sessions/judge.ts'
import type { Occupant } from '../../sessions/place.ts'
import type { JudgedElsewhere, PreparedElsewhere } from '../crew/crew.ts'
import type { Generation } from '../generation.ts'
import type { EndedByReload } from './ends.ts'
import { type ReloadExample, type ReloadOptions, ReloadRefused, type ReloadReport } from './report.ts'

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

const EXAMPLE_COUNT = 20
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
    const judged = this.#judged(next)
    const own = countsOf(judged)
    const report: ReloadReport = {
      generation: next.number,
      hash: hashOf(next.config),
      changes: changesBetween(current.config, next.config),
      sessions: {
        kept: own.kept + elsewhere.sessions.kept,
        changed: own.changed + elsewhere.sessions.changed,
        ended: own.ended + elsewhere.sessions.ended,
      },
    }
    if (dryRun) {
      prepared.abandon()
      return { ...report, examples: [...examplesOf(judged), ...elsewhere.examples].slice(0, EXAMPLE_COUNT) }
    }
    this.#apply(prepared, judged)
    return report
  }

  /** The part of one process in the reload of a gateway of several: all of them prepare it, and then all apply or abandon it. */
  async prepare(config: Config): Promise<PreparedElsewhere> {
    const prepared = await this.#host.prepare(config)
    const judged = this.#judged(prepared.next)
    return {
      judged: { sessions: countsOf(judged), examples: examplesOf(judged) },
      // Sessions have come and gone meanwhile.
      apply: () => this.#apply(prepared, this.#judged(prepared.next)),
      abandon: () => prepared.abandon(),
    }
  }

  #judged(next: Generation): readonly JudgedSession[] {
    return [...this.#host.liveSessions()].map((session) => ({ session, judgement: judgementOf(session, next) }))
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
      return await this.#host.prepare(config)
    } catch (error) {
      throw error instanceof ReloadRefused ? error : new ReloadRefused('invalid', errorsOf(error), { cause: error })
    }
  }
}

interface JudgedSession {
  readonly session: Occupant
  readonly judgement: Judgement
}

function judgementOf(session: Occupant, next: Generation): Judgement {
  return session.judge(next.services.get(session.record.service))
}

function countsOf(judged: readonly JudgedSession[]): ReloadReport['sessions'] {
  const counts = { kept: 0, changed: 0, ended: 0 }
  for (const { judgement } of judged) counts[judgement.outcome]++
  return counts
}

function examplesOf(judged: readonly JudgedSession[]): ReloadExample[] {
  const examples: ReloadExample[] = []
  for (const { session, judgement } of judged) {
    if (judgement.outcome !== 'ended') continue
    const { id, identity, service } = session.record
    examples.push({ session: id, subject: identity.subject, service, why: judgement.why })
    if (examples.length === EXAMPLE_COUNT) break
  }
  return examples
}

function errorsOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.problems.map(formatProblem)
  if (error instanceof InvalidConfiguration)
    return error.problems.map(({ path, message }) => formatProblem({ path: formatPath(path), message }))
  return [error instanceof Error ? error.message : 'unknown failure']
}
