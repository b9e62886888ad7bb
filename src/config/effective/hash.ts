/** What tells two configurations apart at a glance: replicas that serve the same configuration show the same hash. */
import { createHash } from 'node:crypto'
import type { Config } from '../schema/schema.ts'
import { redacted } from './redacted.ts'

/** SHA-256 in hex of the effective configuration: secrets redacted, without `listen` and `admin`, which differ between replicas. */
export function hashOf(config: Config): string {
  const { listen: _listen, admin: _admin, ...shared } = config
  return createHash('sha256')
    .update(JSON.stringify(redacted(shared as Config)))
    .digest('hex')
}
