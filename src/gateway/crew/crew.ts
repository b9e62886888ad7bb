/**
 * A gateway of several processes: what its primary has of the workers, and what a worker is for the primary. Both are undefined
 * where a gateway is one process.
 */
import type { Socket } from 'node:net'
import type { OrderAnswer, Others } from '../../admin/replicas/others.ts'
import type { Question } from '../../admin/replicas/questions.ts'
import type { ShownWorker } from '../../admin/routes/overview.ts'
import type { Config } from '../../config/schema/schema.ts'
import type { ListenerOptions } from '../../http/listener.ts'
import type { LogObserver } from '../../ops/log.ts'
import type { MetricsJson } from '../../ops/summed-metrics.ts'
import type { Block } from '../../sessions/bars.ts'
import type { DrainTerms } from '../../sessions/drain.ts'
import type { Lasting, UsageChange } from '../lasting.ts'
import type { AddressListener } from '../listening/listeners.ts'
import type { ReloadExample, ReloadReport } from '../reloading/report.ts'
import type { GatewayNews, OwnKnowledge } from '../replicas/news.ts'

/** What a worker begins with: what is in force at that moment. */
export interface Present {
  readonly config: Config
  readonly number: number
  readonly blocks: readonly Block[]
  /** By `identityKey`, until when. */
  readonly holds: readonly (readonly [key: string, untilMs: number])[]
  /** The name of this gateway among those that share their state; `null`: it shares it with none. */
  readonly replica: string | null
}

/** What a reload means for the sessions of some processes. */
export interface JudgedElsewhere {
  readonly sessions: ReloadReport['sessions']
  readonly examples: readonly ReloadExample[]
}

/** A reload that is ready in one process or in several: either is called, once. */
export interface PreparedElsewhere {
  readonly judged: JudgedElsewhere
  /** Never rejects. Resolves when their sessions have followed. */
  apply(): Promise<void>
  abandon(): void
}

/** What a process has had to do since its start, in numbers that only grow, and what it has now. */
export interface WorkCounts {
  readonly sessions: number
  readonly opened: number
  readonly ended: number
  readonly refused: number
  readonly refusedFor: Readonly<Record<string, number>>
  readonly upgrades: number
  readonly bytesFromClients: number
  readonly bytesToClients: number
  readonly messagesFromClients: number
  readonly messagesToClients: number
  /** The longest delay of the event loop since the last look, in ms. */
  readonly loopDelayMs: number
}

/** The same of all workers together. */
export interface CrewCounts extends Omit<WorkCounts, 'loopDelayMs'> {
  /** The longest delay of an event loop since it was asked last, in ms. */
  loopDelayMs(): number
}

/** The primary's own parts, as its crew needs them. */
export interface Captain {
  present(): Present
  /** The terms for a worker that begins while the gateway drains; undefined: it does not. */
  draining(): DrainTerms | undefined
  /** Where a listener stands among those with an address; undefined: it has gone. */
  placeOf(listener: AddressListener): number | undefined
  /** A worker has news for all processes that are concerned. */
  published(news: GatewayNews, forMs: number): void
}

export interface Crew {
  /** Whether one of them serves. */
  readonly isServing: boolean
  /** Asks them, and passes orders on to them; each is named `worker N`. */
  readonly others: Others
  readonly workers: readonly ShownWorker[]
  /** Of all of them, and of those that were before; read when it is wanted. */
  readonly counts: CrewCounts
  /** What identities use of their shares at all of them together, and what they use at other gateways. */
  readonly shares: Pick<Lasting, 'usageChanges' | 'usedElsewhere'>
  listener(options: ListenerOptions): AddressListener
  /** Has all of them serve. @throws {Error} where one cannot */
  begin(captain: Captain): Promise<void>
  /** Passes news on to all of them. */
  publish(news: GatewayNews): void
  /** No worker begins while this is under way. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** Has all of them prepare the next configuration. @throws {Error} where one cannot: then none has */
  prepare(config: Config): Promise<PreparedElsewhere>
  /** Resolves when none of them has a session, or soon after the cut, or when it is called off. */
  drain(terms: DrainTerms): Promise<void>
  undrain(): void
  cut(): void
  /** Observes what the logs of all of them get. @returns stops it */
  observe(observer: LogObserver): () => void
  /** Their metrics, those that ended ones have left included. */
  metrics(): Promise<readonly MetricsJson[]>
  /** Called once a second. */
  tick(): void
  /** Ends all of them. */
  stop(): Promise<void>
}

/** What a worker does for its primary. */
export interface Duties {
  take(socket: Socket, listener: number): void
  received(news: GatewayNews, atMs: number): OrderAnswer | undefined
  answer(question: Question): Promise<unknown>
  prepare(config: Config): Promise<PreparedElsewhere>
  drain(terms: DrainTerms): Promise<void>
  undrain(): void
  cut(): void
  metrics(): Promise<MetricsJson>
  counts(): WorkCounts
  /** What identities use of their shares, as far as it was not told before. */
  usageChanges(): readonly UsageChange[]
  usedElsewhere(changes: readonly UsageChange[]): void
  observe(observer: LogObserver): () => void
}

/** The place of one worker. */
export interface Berth {
  readonly worker: number
  /** The name of the gateway among those that share their state. */
  readonly replica: string | null
  /** What is known here of the state that the primary keeps. */
  readonly knowledge: OwnKnowledge
  /** Has these done from now on. */
  attend(duties: Duties): void
  /** For all other processes that are concerned. */
  publish(news: GatewayNews, forMs: number): void
}
