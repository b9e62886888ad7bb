/** Whole files that are derived from code, as the regions of pages are. */
import { dashboardText } from './observability/dashboard.ts'
import { doorMetrics, gatewayMetrics } from './observability/metric-table.ts'
import { RULES_FILE, rulesTestText, rulesText } from './observability/rules.ts'

export interface GeneratedFile {
  /** Relative to the repository. */
  readonly path: string
  readonly render: () => Promise<string>
}

const everyMetric = async () => [...(await gatewayMetrics()), ...(await doorMetrics())]
const FOLDER = 'deploy/observability'

export const GENERATED_FILES: readonly GeneratedFile[] = [
  { path: `${FOLDER}/${RULES_FILE}`, render: async () => rulesText(await everyMetric()) },
  { path: `${FOLDER}/gatehouse.rules.test.yaml`, render: async () => rulesTestText(await everyMetric()) },
  { path: `${FOLDER}/gatehouse.dashboard.json`, render: async () => dashboardText(await everyMetric()) },
]
