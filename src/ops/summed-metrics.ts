/** Metrics of several processes as those of one: added up, unless a metric says otherwise. */
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from 'prom-client'

/** The metrics of one process, as they travel. */
export type MetricsJson = MetricObjectWithValues<MetricValue<string>>[]

/** In Prometheus' text format. */
export async function summedText(all: readonly MetricsJson[]): Promise<string> {
  return await AggregatorRegistry.aggregate([...all]).metrics()
}

/** What stays of processes that have ended: their counters, so that no sum goes back. What they had is gone. */
export async function leftBehind(all: readonly MetricsJson[]): Promise<MetricsJson> {
  const counted = all.map((metrics) => metrics.filter(({ type }) => COUNTING.has(String(type))))
  return await AggregatorRegistry.aggregate(counted).getMetricsAsJSON()
}

const COUNTING: ReadonlySet<string> = new Set(['counter', 'histogram'])
