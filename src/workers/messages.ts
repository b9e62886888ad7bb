/** All that the primary and its workers say to one another. JSON has no undefined: `null` stands for it. */
import type { OrderAnswer } from '../admin/replicas/others.ts'
import type { Question } from '../admin/replicas/questions.ts'
import type { Config } from '../config/schema/schema.ts'
import type { JudgedElsewhere, Present, WorkCounts } from '../gateway/crew/crew.ts'
import type { UsageChange } from '../gateway/lasting.ts'
import type { GatewayNews } from '../gateway/replicas/news.ts'
import type { EventName, LogFields } from '../ops/events.ts'
import type { AuditFields } from '../ops/log.ts'
import type { MetricsJson } from '../ops/summed-metrics.ts'
import type { DrainTerms } from '../sessions/drain.ts'
import type { StateQuestions, WorkQuestions } from './state/questions.ts'

/** What a worker begins with. */
export interface Beginning extends Present {
  readonly worker: number
  readonly workerCount: number
  /** What relative paths are relative to. */
  readonly folder: string
}

/** What the primary asks its workers. */
interface CrewQuestions {
  begin: { readonly ask: Beginning; readonly answer: null }
  news: { readonly ask: { readonly news: GatewayNews; readonly atMs: number }; readonly answer: OrderAnswer | null }
  /** The answer is that to the question. */
  question: { readonly ask: Question; readonly answer: unknown }
  prepare: { readonly ask: Config; readonly answer: JudgedElsewhere }
  /** What was prepared comes into force; the answer is that sessions have followed. */
  apply: { readonly ask: null; readonly answer: null }
  drain: { readonly ask: DrainTerms; readonly answer: null }
  counts: { readonly ask: null; readonly answer: WorkCounts }
  metrics: { readonly ask: null; readonly answer: MetricsJson }
  usages: { readonly ask: null; readonly answer: readonly UsageChange[] }
}

/** By name: what is asked, and what the answer is. */
export interface LineQuestions extends StateQuestions, WorkQuestions, CrewQuestions {}

/** What the log of a worker got, for those who watch. */
export type Observed =
  | { readonly event: EventName; readonly fields: LogFields }
  | { readonly audited: AuditFields; readonly more: AuditFields }

/** By name: what is told, and wants no answer. */
export interface Tellings {
  /** Worker to primary: how many connections it has, and the number of the last one handed to it that has arrived. */
  status: { readonly connections: number; readonly taken: number }
  /** Worker to primary: sessions have ended. */
  'leases.back': { readonly ids: readonly number[] }
  /** Worker to primary: for all processes that are concerned. */
  published: { readonly news: GatewayNews; readonly forMs: number }
  observed: Observed
  /** Primary to worker: what was prepared does not come into force. */
  abandon: null
  undrain: null
  cut: null
  /** What identities use of their shares at all other workers. */
  usedElsewhere: readonly UsageChange[]
  /** Whether somebody watches what the log gets. */
  watched: boolean
  /** End, without waiting for anything. */
  stop: null
}
