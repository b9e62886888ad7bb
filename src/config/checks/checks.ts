/**
 * Whether the parts of a configuration fit together: names that exist, combinations that can work, nothing that would
 * leave a door open. Each check is on its own; all of them run.
 */

import type { Finding } from '../reading/issues.ts'
import type { Config } from '../schema/schema.ts'
import { checkAdmin } from './admin.ts'
import { checkAuthenticators } from './authenticators.ts'
import { checkBasePath } from './base-path.ts'
import { checkBrokers } from './brokers.ts'
import { checkListeners } from './listeners.ts'
import { checkPermissions } from './permissions.ts'
import { checkPromotion } from './promotion.ts'
import { checkServices } from './services.ts'
import { checkState } from './state.ts'

/** Every impossible combination, in no particular order. */
export function checkConfig(config: Config): Finding[] {
  return [
    ...checkListeners(config),
    ...checkBasePath(config),
    ...checkAdmin(config),
    ...checkBrokers(config),
    ...checkAuthenticators(config),
    ...checkServices(config),
    ...checkPromotion(config),
    ...checkPermissions(config),
    ...checkState(config),
  ]
}
