/** The Grafana dashboard: charts of panels.ts, described by the help texts of the metric table. */
import { assertKnown, metricsIn, narrowed } from './expressions.ts'
import type { KnownMetric } from './metric-table.ts'
import { type Panel, ROWS } from './panels.ts'

const COLUMNS = 24
const WIDTH = 6
const HEIGHT = 8
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }

/** @throws {Error} for a chart of what there is not, and for a metric without a chart */
export function dashboardText(metrics: readonly KnownMetric[]): string {
  const expressions = ROWS.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)))
  for (const expr of expressions) assertKnown(expr, metrics, [])
  const shown = new Set(expressions.flatMap((expr) => metricsIn(expr, metrics).map(({ name }) => name)))
  const without = metrics.filter(({ name }) => !shown.has(name)).map(({ name }) => name)
  if (without.length > 0) throw new Error(`scripts/observability/panels.ts has no chart of ${without.join(', ')}`)
  return `${JSON.stringify(dashboard(metrics), null, 2)}\n`
}

function dashboard(metrics: readonly KnownMetric[]): unknown {
  return {
    uid: 'gatehouse',
    title: 'Gatehouse',
    description: 'Written by `npm run docs` from scripts/observability: do not edit.',
    tags: ['gatehouse', 'amqp'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: { list: [datasource(), variable('job', ''), variable('instance', '{job=~"$job"}')] },
    panels: panels(metrics),
  }
}

function datasource(): unknown {
  return { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' }
}

function variable(name: string, matchers: string): unknown {
  return {
    name,
    type: 'query',
    datasource: DATASOURCE,
    query: `label_values(gatehouse_build_info${matchers}, ${name})`,
    refresh: 2,
    multi: true,
    includeAll: true,
    current: { text: ['All'], value: ['$__all'] },
  }
}

function panels(metrics: readonly KnownMetric[]): unknown[] {
  const placed: unknown[] = []
  let id = 0
  let y = 0
  for (const row of ROWS) {
    id += 1
    placed.push({
      id,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    })
    y += 1
    for (const [index, panel] of row.panels.entries()) {
      id += 1
      const at = { x: (index * WIDTH) % COLUMNS, y: y + Math.floor((index * WIDTH) / COLUMNS) * HEIGHT }
      placed.push({ id, ...chart(panel, metrics), gridPos: { ...at, w: WIDTH, h: HEIGHT } })
    }
    y += Math.ceil((row.panels.length * WIDTH) / COLUMNS) * HEIGHT
  }
  return placed
}

function chart({ title, unit, queries }: Panel, metrics: readonly KnownMetric[]): object {
  const help = queries.flatMap(({ expr }) => metricsIn(expr, metrics).map((metric) => `${metric.name}: ${metric.help}`))
  return {
    type: 'timeseries',
    title,
    description: [...new Set(help)].join('\n'),
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 10, showPoints: 'never' } }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr: narrowed(expr),
      legendFormat: legend,
    })),
  }
}
