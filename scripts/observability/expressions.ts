/**
 * PromQL that asks only for what there is: a metric, a label or a value of a closed set that was renamed or removed is a
 * mistake here, and not a chart that stays empty.
 */
import type { KnownMetric } from './metric-table.ts'

/** What Prometheus adds to each series, and to buckets. */
const OF_PROMETHEUS = ['job', 'instance', 'le']
const HISTOGRAM_PARTS = /_(?:bucket|sum|count)$/
/** A metric with its matchers; names of recorded series have colons. */
const SERIES = /(?<![\w:])(gatehouse_\w+)(?![\w:])(?:\{([^}]*)\})?/g
const RECORDED = /\w+:gatehouse_\w+:\w+/g
const GROUPING = /\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g
const MATCHER = /^\s*(\w+)\s*(=~|!~|=|!=)\s*"([^"]*)"\s*$/

/** @throws {Error} with everything that the expression names and nobody measures */
export function assertKnown(expression: string, metrics: readonly KnownMetric[], recorded: readonly string[]): void {
  const problems = [...problemsIn(expression, metrics)]
  for (const [name] of expression.matchAll(RECORDED))
    if (!recorded.includes(name)) problems.push(`${name} is not recorded`)
  if (problems.length > 0) throw new Error(`${expression}: ${problems.join('; ')}`)
}

/** The metrics that an expression asks for. */
export function metricsIn(expression: string, metrics: readonly KnownMetric[]): KnownMetric[] {
  return [...expression.matchAll(SERIES)].flatMap(([, name = '']) => find(name, metrics) ?? [])
}

/** The same for the jobs and instances that the reader of a dashboard has chosen. */
export function narrowed(expression: string): string {
  return expression.replace(SERIES, (_, name: string, matchers: string | undefined) => {
    const own = matchers === undefined ? '' : `, ${matchers}`
    return `${name}{job=~"$job", instance=~"$instance"${own}}`
  })
}

function find(name: string, metrics: readonly KnownMetric[]): KnownMetric | undefined {
  const base = name.replace(HISTOGRAM_PARTS, '')
  return metrics.find((one) => one.name === (one.type === 'histogram' ? base : name))
}

function* problemsIn(expression: string, metrics: readonly KnownMetric[]): Generator<string> {
  const labels = new Set(OF_PROMETHEUS)
  for (const [, name = '', matchers] of expression.matchAll(SERIES)) {
    const metric = find(name, metrics)
    if (metric === undefined) {
      yield `there is no metric ${name}`
      continue
    }
    for (const label of metric.labels) labels.add(label)
    for (const matcher of matchers?.split(',') ?? []) yield* problemsOf(matcher, metric)
  }
  // What is recorded has its own labels.
  if (expression.match(RECORDED) !== null) return
  for (const [, names = ''] of expression.matchAll(GROUPING))
    for (const label of names.split(',').map((one) => one.trim()))
      if (label !== '' && !labels.has(label)) yield `no metric here has the label ${label}`
}

function* problemsOf(matcher: string, { name, labels, values }: KnownMetric): Generator<string> {
  const [, label = '', operator = '', value = ''] = MATCHER.exec(matcher) ?? []
  if (label === '') {
    yield `${matcher}: expected a matcher such as cause="overloaded"`
    return
  }
  if (OF_PROMETHEUS.includes(label)) return
  if (!labels.includes(label)) {
    yield `${name} has no label ${label}`
    return
  }
  const known = values.get(label)
  const named = operator.endsWith('~') ? value.split('|') : [value]
  for (const one of named) if (known !== undefined && !known.has(one)) yield `${label} of ${name} is never "${one}"`
}
