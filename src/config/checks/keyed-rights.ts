/**
 * Rights on some keys of an exchange, held by somebody who may declare that exchange: told, since such a right bounds
 * nothing. The exchange can be deleted and declared again as a fanout, which ignores keys.
 */
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import type { ServiceConfig } from '../schema/schema.ts'
import { patternsMeet } from './meeting-patterns.ts'

type Entry = NonNullable<ServiceConfig['permissions']>[number]
const LISTS = ['read', 'write'] as const
type List = (typeof LISTS)[number]

/** A rule of an entry, and where it stands under `permissions`. */
interface Placed {
  readonly exchange: string
  readonly at: Path
}

const EVERY_KEY = '#'

export function keyedRights({ permissions = [] }: ServiceConfig, path: Path): Finding[] {
  return permissions.flatMap((declaring, position) =>
    declared(declaring, position).flatMap(({ exchange, at }): Finding[] => {
      const [first] = LISTS.flatMap((list) => evaded(list, exchange, declaring, permissions))
      if (first === undefined) return []
      const { list, keyed } = first
      const where = `${keyed.at[0]}`
      const message = `whoever may declare this exchange can make it a fanout, which ignores keys: so \`${list}\` of "${keyed.exchange}" for some keys (permissions[${where}]) reaches all keys. Take the exchange out of \`configure\`, or leave out \`routingKey\` there`
      return [{ path: [...path, 'permissions', ...at], at: 'value', message }]
    }),
  )
}

/** Rights for some keys of the exchange, of people who may declare it and have no right for all keys. */
function evaded(
  list: List,
  exchange: string,
  declaring: Entry,
  permissions: readonly Entry[],
): { list: List; keyed: Placed }[] {
  const together = [...permissions.entries()].filter(([, entry]) => mayAddUp(declaring, entry))
  const rules = together.flatMap(([position, entry]) => keysOf(entry, list, position))
  const all = rules.filter(({ key }) => key === EVERY_KEY)
  if (all.some((rule) => rule.exchange === '*' || rule.exchange === exchange)) return []
  return rules
    .filter((rule) => rule.key !== EVERY_KEY && patternsMeet(rule.exchange, exchange))
    .map((keyed) => ({ list, keyed }))
}

/** Whether one person certainly has the rights of both entries, as far as the file says. */
function mayAddUp(one: Entry, other: Entry): boolean {
  return one.for === undefined || other.for === undefined || JSON.stringify(one.for) === JSON.stringify(other.for)
}

function declared({ configure }: Entry, position: number): Placed[] {
  return configure.flatMap((rule, index) =>
    'exchange' in rule ? [{ exchange: rule.exchange, at: [position, 'configure', index, 'exchange'] }] : [],
  )
}

function keysOf(entry: Entry, list: List, position: number): (Placed & { readonly key: string })[] {
  return entry[list].flatMap((rule, index) =>
    'exchange' in rule ? [{ exchange: rule.exchange, key: rule.routingKey, at: [position, list, index] }] : [],
  )
}
