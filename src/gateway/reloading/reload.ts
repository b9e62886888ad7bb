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
import type { Generation } from '../generation.ts'
import type { EndedByReload } from './ends.ts'
import { type ReloadExample, type ReloadOptions, ReloadRefused, type ReloadReport } from './report.ts'

/** What has been prepared next to what runs: either is called, once. */
export interface Prepared {
  readonly next: Generation
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
  /** Ends sessions that the new configuration has no room for, evenly. */
  end(chosen: readonly EndedByReload[]): void
}

const EXAMPLE_COUNT = 20

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
      return await this.#run(options)
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
    const { next } = prepared
    const judged = [...this.#host.liveSessions()].map((session) => ({ session, judgement: judgementOf(session, next) }))
    const report: ReloadReport = {
      generation: next.number,
      hash: hashOf(next.config),
      changes: changesBetween(current.config, next.config),
      sessions: countsOf(judged.map(({ judgement }) => judgement)),
    }
    if (dryRun) {
      prepared.abandon()
      return { ...report, examples: examplesOf(judged) }
    }
    prepared.apply()
    const ends: EndedByReload[] = []
    for (const { session, judgement } of judged) {
      if (judgement.outcome === 'ended') ends.push({ session, mayReturn: judgement.mayReturn })
      else session.adopt(judgement.service, judgement.terms)
    }
    this.#host.end(ends)
    return report
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

function countsOf(judgements: readonly Judgement[]): ReloadReport['sessions'] {
  const counts = { kept: 0, changed: 0, ended: 0 }
  for (const { outcome } of judgements) counts[outcome]++
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
