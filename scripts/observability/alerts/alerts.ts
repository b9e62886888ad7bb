/** All alerts, the most important first. */
import type { Alert } from './alert.ts'
import { CLIENT_ALERTS } from './clients.ts'
import { PROCESS_ALERTS } from './process.ts'
import { SERVING_ALERTS } from './serving.ts'
import { SEVERAL_ALERTS } from './several.ts'

export const ALERTS: readonly Alert[] = [...SERVING_ALERTS, ...CLIENT_ALERTS, ...PROCESS_ALERTS, ...SEVERAL_ALERTS]
