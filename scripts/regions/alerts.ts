/** The alerts of deploy/observability, for whoever is woken by one. */

import { markdownTable } from '../generated-regions.ts'
import { ALERTS } from '../observability/alerts/alerts.ts'

export function alertTable(): string {
  const rows = ALERTS.map(({ name, severity, holds, seen, toDo, page }) => [
    `\`${name}\``,
    severity,
    holds === '0m' ? 'at once' : holds.replace('m', ' min'),
    seen.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '`$1`'),
    `${toDo} [More](${page.replace('docs/', '')})`,
  ])
  return markdownTable(['alert', 'severity', 'after', 'what is seen', 'what to do'], rows)
}
