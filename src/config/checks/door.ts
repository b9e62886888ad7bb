/** The configuration of a door: addresses that collide, sites that meet, names that nobody may have; and who is let in. */
import { isDeepStrictEqual } from 'node:util'
import { type Finding, unknownName } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import type { DoorConfig } from '../schema/door.ts'
import { collide } from './listeners.ts'

const CLIENTS_PORT = 'the listener for clients'

export function checkDoor({ listen, inner, admin }: DoorConfig): Finding[] {
  const all: readonly { readonly path: Path; readonly what: string; readonly host: string; readonly port: number }[] = [
    { path: ['listen'], what: CLIENTS_PORT, ...listen },
    { path: ['inner'], what: 'the listener for gateways', ...inner },
    ...(admin === undefined ? [] : [{ path: ['admin'], what: 'the admin listener', ...admin }]),
  ]
  const taken = all.flatMap((one, index): Finding[] => {
    const other = all.slice(0, index).find((earlier) => collide(earlier, one))
    if (other === undefined) return []
    return [{ path: [...one.path, 'port'], at: 'value', message: `port ${one.port} is taken by ${other.what}` }]
  })
  const { sites = [] } = listen
  const twice = sites.flatMap(({ serverName }, index): Finding[] => {
    const same = sites.findIndex((other) => other.serverName === serverName)
    if (same === index) return []
    const message = `listen.sites[${same}] has this name already`
    return [{ path: ['listen', 'sites', index, 'serverName'], at: 'value', message }]
  })
  const { names } = inner
  const unknown = sites.flatMap(({ to }, index) =>
    to.flatMap((name, position): Finding[] => {
      if (names === undefined || names.includes(name)) return []
      const path: Path = ['listen', 'sites', index, 'to', position]
      return [unknownName(path, 'no gateway of `inner.names`', name, names, ['inner', 'names'])]
    }),
  )
  return [...taken, ...twice, ...unknown]
}

/** Told at the start, and stops nothing. */
export function doorWarnings({ inner }: DoorConfig): Finding[] {
  if (inner.names !== undefined) return []
  const message = 'every certificate of `tls.ca` opens this: list the gateways in `names`'
  return [{ path: ['inner'], at: 'value', message }]
}

const STATIC: readonly (readonly [keyof DoorConfig, string])[] = [
  ['listen', 'host'],
  ['listen', 'port'],
  ['inner', 'host'],
  ['inner', 'port'],
  ['admin', 'host'],
  ['admin', 'port'],
]

/** What a door that runs cannot change. */
export function staticDoorChanges(present: DoorConfig, next: DoorConfig): Finding[] {
  return STATIC.filter(([part, key]) => !isDeepStrictEqual(at(present, part, key), at(next, part, key))).map(
    (path) => ({
      path,
      at: 'value',
      message: 'a change needs a restart',
    }),
  )
}

function at(config: DoorConfig, part: keyof DoorConfig, key: string): unknown {
  const value = config[part]
  return typeof value === 'object' ? Reflect.get(value, key) : undefined
}
