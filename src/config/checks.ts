/**
 * Whether the parts of a configuration fit together: names that exist, combinations that can work, nothing that would
 * leave a door open. Each check is on its own; all of them run.
 */
import { checkAuthenticators } from './checks/authenticators.ts'
import { checkBrokers } from './checks/brokers.ts'
import { checkListeners } from './checks/listeners.ts'
import { checkPermissions } from './checks/permissions.ts'
import { checkPromotion } from './checks/promotion.ts'
import { checkServices } from './checks/services.ts'
import type { Finding } from './issues.ts'
import type { Config } from './schema.ts'

/** Every impossible combination, in no particular order. */
export function checkConfig(config: Config): Finding[] {
  return [
    ...checkListeners(config),
    ...checkBrokers(config),
    ...checkAuthenticators(config),
    ...checkServices(config),
    ...checkPromotion(config),
    ...checkPermissions(config),
  ]
}
