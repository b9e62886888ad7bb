/** Prometheus' rules, and the test that shows each alert firing and not firing. */
import { stringify } from 'yaml'
import type { Alert, Scene } from './alerts/alert.ts'
import { ALERTS } from './alerts/alerts.ts'
import { assertKnown } from './expressions.ts'
import type { KnownMetric } from './metric-table.ts'
import { RECORDINGS } from './recordings.ts'

export const RULES_FILE = 'gatehouse.rules.yaml'
const HEAD =
  '# Written by `npm run docs` from scripts/observability: do not edit. docs/metrics.md has the alerts as a table.\n'

export const RECORDED = RECORDINGS.map(({ record }) => record)

/** @throws {Error} for a rule that asks for a metric, a label or a value that there is not */
export function rulesText(metrics: readonly KnownMetric[]): string {
  for (const { expr } of [...RECORDINGS, ...ALERTS]) assertKnown(expr, metrics, RECORDED)
  const alerts = ALERTS.map(({ name, severity, expr, holds, ...alert }) => ({
    alert: name,
    expr,
    for: holds,
    labels: { severity },
    annotations: annotationsOf(alert),
  }))
  return yaml({
    groups: [
      { name: 'gatehouse-recorded', rules: RECORDINGS },
      { name: 'gatehouse-alerts', rules: alerts },
    ],
  })
}

/** For `promtool test rules`. @throws {Error} as above, for the series that are fed in */
export function rulesTestText(metrics: readonly KnownMetric[]): string {
  const scenes = ALERTS.flatMap((alert) => [
    { name: `${alert.name} fires`, alert, scene: alert.fires, expected: [expectation(alert)] },
    { name: `${alert.name} does not fire`, alert, scene: alert.quiet, expected: [] },
  ])
  for (const { scene } of scenes) for (const series of Object.keys(scene.series)) assertKnown(series, metrics, [])
  const tests = scenes.map(({ name, alert, scene, expected }) => ({
    name,
    interval: '1m',
    input_series: inputOf(scene),
    alert_rule_test: [{ eval_time: scene.at, alertname: alert.name, exp_alerts: expected }],
  }))
  return yaml({ rule_files: [RULES_FILE], evaluation_interval: '1m', tests })
}

function inputOf({ series }: Scene): { series: string; values: string }[] {
  return Object.entries(series).map(([name, values]) => ({ series: name, values }))
}

function expectation(alert: Alert): { exp_labels: Record<string, string>; exp_annotations: Record<string, string> } {
  const { labels } = alert.fires
  const filled = annotationsOf({ ...alert, seen: filledIn(alert.seen, labels) })
  return { exp_labels: { severity: alert.severity, ...labels }, exp_annotations: filled }
}

function annotationsOf({ seen, toDo, page }: Pick<Alert, 'seen' | 'toDo' | 'page'>): Record<string, string> {
  return { summary: seen, action: toDo, runbook: page }
}

function filledIn(text: string, labels: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => {
    const value = labels[label]
    if (value === undefined) throw new Error(`"${text}" names the label ${label}, which the alert does not have`)
    return value
  })
}

function yaml(value: unknown): string {
  return HEAD + stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}
