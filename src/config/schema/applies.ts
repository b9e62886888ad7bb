/**
 * What a reload does with a change of each key: one table, which docs/configuration.md shows, and from which the keys are
 * derived that a reload refuses to change.
 */

/**
 * `live sessions`: sessions that live follow it, or end where they have no room any more. `new sessions`: what connects later
 * follows it, and nothing else does. `restart`: a reload that changes it is refused.
 */
export type Applies = 'live sessions' | 'new sessions' | 'restart'

/** By place, `NAME` for any name and `[]` for an entry of a list. The longest beginning of a place counts. */
const APPLIES: Readonly<Record<string, Applies>> = {
  listen: 'new sessions',
  basePath: 'new sessions',
  basePathStripped: 'new sessions',
  admin: 'new sessions',
  'admin.host': 'restart',
  'admin.port': 'restart',
  blocks: 'restart',
  state: 'restart',
  workers: 'restart',
  log: 'live sessions',
  secretKeys: 'new sessions',
  brokers: 'new sessions',
  'brokers.NAME.urls': 'live sessions',
  'brokers.NAME.credentials.NAME.username': 'live sessions',
  authenticators: 'new sessions',
  'authenticators.NAME.users': 'live sessions',
  services: 'live sessions',
  'services[].sessionTimeout': 'new sessions',
  'services[].refusal': 'new sessions',
  'services[].limits': 'new sessions',
  'services[].limits.message': 'live sessions',
  'services[].limits.perIdentity': 'live sessions',
  'services[].promote[].limits': 'new sessions',
  'services[].promote[].limits.message': 'live sessions',
  'services[].promote[].limits.perIdentity': 'live sessions',
  watch: 'live sessions',
  drain: 'live sessions',
}

/** What a change at this place (`services[].limits.ping`) applies to; undefined where the table does not say. */
export function appliesTo(place: string): Applies | undefined {
  const steps = place.split(/\.|(?=\[\])/)
  for (let count = steps.length; count > 0; count -= 1) {
    const found = APPLIES[steps.slice(0, count).join('.').replaceAll('.[]', '[]')]
    if (found !== undefined) return found
  }
  return undefined
}

/** Places that need a restart, as keys from the top. */
export const STATIC_PLACES: readonly (readonly string[])[] = Object.entries(APPLIES)
  .filter(([, applies]) => applies === 'restart')
  .map(([place]) => place.split('.'))
