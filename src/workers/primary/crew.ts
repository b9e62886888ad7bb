/**
 * The workers of a gateway as its primary has them: it keeps what they remember, gives them their connections, asks them, and
 * passes on what concerns all of them.
 */
import type { Others } from '../../admin/replicas/others.ts'
import type { ShownWorker } from '../../admin/routes/overview.ts'
import type { Config } from '../../config/schema/schema.ts'
import type { CrewParts } from '../../gateway/assemble.ts'
import type { Captain, Crew, PreparedElsewhere } from '../../gateway/crew/crew.ts'
import type { UsageChange } from '../../gateway/lasting.ts'
import type { AddressListener } from '../../gateway/listening/listeners.ts'
import { ReloadRefused } from '../../gateway/reloading/report.ts'
import type { GatewayNews } from '../../gateway/replicas/news.ts'
import type { ListenerOptions } from '../../http/listener.ts'
import type { LogObserver } from '../../ops/log.ts'
import type { MetricsJson } from '../../ops/summed-metrics.ts'
import type { DrainTerms } from '../../sessions/drain.ts'
import { answerState } from '../state/state-answers.ts'
import { WorkerLeases } from '../state/worker-leases.ts'
import { AllCounts } from './all-counts.ts'
import { AllMetrics } from './all-metrics.ts'
import { AllObserved } from './all-observed.ts'
import { AllUsages } from './all-usages.ts'
import { othersIn } from './crew-others.ts'
import { HandOff } from './hand-off.ts'
import { HandingListener } from './handing-listener.ts'
import { order, SILENT_MS } from './order.ts'
import type { WorkerProcess } from './worker-process.ts'
import { Workers } from './workers.ts'

/** A machine that is busy takes its time to start a process; one that takes longer does not start. */
const BEGIN_MS = 60_000
/** Secrets, key sets and certificates are read again, some from far away. */
const PREPARE_MS = 60_000
/** Added to what a drain may take. */
const DRAIN_MORE_MS = 30_000

export interface WorkerCrewOptions {
  readonly count: number
  /** What relative paths are relative to. */
  readonly folder: string
}

export class WorkerCrew implements Crew {
  readonly others: Others
  readonly counts = new AllCounts()
  readonly #parts: CrewParts
  readonly #options: WorkerCrewOptions
  readonly #workers: Workers
  readonly #leases: WorkerLeases
  readonly #metrics = new AllMetrics()
  readonly #usages = new AllUsages<WorkerProcess>()
  readonly #observed = new AllObserved()
  readonly #handOff: HandOff
  #captain: Captain | undefined
  readonly #givesBack = new Map<WorkerProcess, () => void>()

  constructor(parts: CrewParts, options: WorkerCrewOptions) {
    this.#parts = parts
    this.#options = options
    this.#leases = new WorkerLeases(parts.leases)
    this.#handOff = new HandOff(() => this.#workers.present, {
      dropped: (detail, address) => parts.log.write('overload-refused', { detail, address }),
    })
    this.#workers = new Workers({
      count: options.count,
      env: parts.env,
      lines: parts.lines,
      log: parts.log,
      joined: (worker) => this.#joined(worker),
      begin: async (worker) => await this.#begin(worker),
      serving: () => this.#handOff.pump(),
      left: (worker) => this.#left(worker),
    })
    this.others = othersIn(this.#workers)
    // They load while the primary compiles.
    this.#workers.fork()
  }

  get isServing(): boolean {
    return this.#workers.serving.length > 0
  }

  get workers(): readonly ShownWorker[] {
    return this.#workers.serving.map((worker) => ({
      number: worker.number,
      pid: worker.pid ?? 0,
      sessions: this.counts.sessionsOf(worker),
      startedAt: worker.startedAt,
    }))
  }

  get shares(): Crew['shares'] {
    return {
      usageChanges: () => this.#usages.changes(),
      usedElsewhere: (changes) => this.#tellUsages(this.#usages.saidOutside(changes)),
    }
  }

  listener(options: ListenerOptions): AddressListener {
    const listener: AddressListener = new HandingListener(options, (socket) => {
      this.#handOff.add(socket, () => this.#captain?.placeOf(listener))
    })
    return listener
  }

  async begin(captain: Captain): Promise<void> {
    this.#captain = captain
    await this.#workers.begin()
  }

  publish(news: GatewayNews): void {
    this.#publish(news, undefined)
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    return await this.#workers.alone(work)
  }

  async prepare(config: Config): Promise<PreparedElsewhere> {
    const workers = this.#workers.serving
    const asked = workers.map(async ({ channel }) => await channel.ask('prepare', config, PREPARE_MS))
    const prepared = await Promise.allSettled(asked)
    const abandon = (): void => {
      for (const { channel } of workers) channel.tell('abandon', null)
    }
    const failed = prepared.flatMap((one, index) => {
      if (one.status === 'fulfilled' || workers[index]?.isServing !== true) return []
      return one.reason instanceof Error ? one.reason.message.split('\n') : ['unknown failure']
    })
    if (failed.length > 0) {
      abandon()
      throw new ReloadRefused('invalid', [...new Set(failed)])
    }
    const judged = prepared.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const sum = (outcome: 'kept' | 'changed' | 'ended') =>
      judged.reduce((total, { sessions }) => total + sessions[outcome], 0)
    return {
      judged: {
        sessions: { kept: sum('kept'), changed: sum('changed'), ended: sum('ended') },
        examples: judged.flatMap(({ examples }) => examples),
      },
      apply: async () => void (await Promise.all(workers.map(async (worker) => await order(worker, 'apply', null)))),
      abandon,
    }
  }

  async drain(terms: DrainTerms): Promise<void> {
    const { over, quiet, lameDuck } = terms
    const withinMs = lameDuck + over + quiet + DRAIN_MORE_MS
    const drained = this.#workers.serving.map(async ({ channel }) => await channel.ask('drain', terms, withinMs))
    // One that has gone has no sessions any more.
    await Promise.allSettled(drained)
  }

  undrain(): void {
    for (const { channel } of this.#workers.serving) channel.tell('undrain', null)
  }

  cut(): void {
    this.#handOff.cut()
    for (const { channel } of this.#workers.present) channel.tell('cut', null)
  }

  observe(observer: LogObserver): () => void {
    this.#observed.add(observer)
    this.#watch()
    return () => {
      this.#observed.remove(observer)
      this.#watch()
    }
  }

  async metrics(): Promise<readonly MetricsJson[]> {
    return await this.#metrics.all(this.#workers.serving)
  }

  tick(): void {
    this.#handOff.tick()
    for (const worker of this.#workers.serving) void this.#count(worker)
  }

  async stop(): Promise<void> {
    this.#handOff.cut()
    await this.#workers.stop()
  }

  #joined(worker: WorkerProcess): void {
    const { channel } = worker
    const { state, withinBudget = async (work) => await work() } = this.#parts
    worker.follow(() => this.#handOff.pump())
    answerState(channel, { state, withinBudget })
    this.#givesBack.set(worker, this.#leases.answer(channel))
    channel.heed('observed', (what) => this.#observed.observed(what))
    channel.heed('published', ({ news, forMs }) => {
      this.#publish(news, worker)
      this.#captain?.published(news, forMs)
    })
  }

  async #begin(worker: WorkerProcess): Promise<void> {
    if (this.#captain === undefined) throw new TypeError('workers begin when their primary has')
    const { count: workerCount, folder } = this.#options
    const beginning = { ...this.#captain.present(), worker: worker.number, workerCount, folder }
    await worker.channel.ask('begin', beginning, BEGIN_MS)
    worker.channel.tell('watched', this.#observed.isWatched)
    const draining = this.#captain.draining()
    if (draining !== undefined) worker.channel.ask('drain', draining, DRAIN_MORE_MS).catch(() => undefined)
    void this.#count(worker)
  }

  #left(worker: WorkerProcess): void {
    this.#givesBack.get(worker)?.()
    this.#givesBack.delete(worker)
    this.counts.left(worker)
    this.#metrics.left(worker)
    this.#tellUsages(this.#usages.left(worker))
    for (const { socket, listener } of worker.takeBack()) this.#handOff.add(socket, listener)
  }

  /** A worker that says nothing for so long is as good as dead, and its clients wait for it. */
  async #count(worker: WorkerProcess): Promise<void> {
    if (worker.isCounting) return
    worker.isCounting = true
    const answered = worker.asked()
    try {
      const [counts, usages] = await Promise.all([
        worker.channel.ask('counts', null, SILENT_MS),
        worker.channel.ask('usages', null, SILENT_MS),
      ])
      answered()
      this.counts.said(worker, counts)
      this.#tellUsages(this.#usages.said(worker, usages))
    } catch {
      if (worker.isServing) worker.kill('killed, since it did not say what it counts')
    } finally {
      worker.isCounting = false
    }
  }

  #tellUsages(told: ReadonlyMap<WorkerProcess, readonly UsageChange[]>): void {
    for (const [{ channel }, changes] of told) channel.tell('usedElsewhere', changes)
  }

  #publish(news: GatewayNews, except: WorkerProcess | undefined): void {
    const atMs = Date.now()
    for (const worker of this.#workers.present) if (worker !== except) void order(worker, 'news', { news, atMs })
  }

  #watch(): void {
    for (const { channel } of this.#workers.serving) channel.tell('watched', this.#observed.isWatched)
  }
}
