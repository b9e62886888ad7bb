/** Services: who gets in, from which pages, to which broker and vhost. */

import { descriptorOf } from '../../../auth/index.ts'
import { type Finding, unknownName } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import { isBehindDoor } from '../schema/listener-kinds.ts'
import type { Config, ServiceConfig } from '../schema/schema.ts'
import { isLoopback } from '../schema/units.ts'

/** An authenticator that a service names, and where. */
interface Named {
  readonly name: string
  readonly path: Path
  readonly within: 'any' | 'all'
}

/** Every authenticator that a service or the admin listener names, in order. */
export function namedAuthenticators({ authenticate }: Pick<ServiceConfig, 'authenticate'>, path: Path): Named[] {
  return (authenticate ?? []).flatMap((entry, index): Named[] => {
    const at: Path = [...path, 'authenticate', index]
    if (typeof entry === 'string') return [{ name: entry, path: at, within: 'any' }]
    return entry.all.map((name, position) => ({ name, path: [...at, 'all', position], within: 'all' }))
  })
}

export function unknownAuthenticators(named: readonly Named[], { authenticators }: Config): Finding[] {
  return named
    .filter(({ name }) => !Object.hasOwn(authenticators, name))
    .map(({ name, path }) =>
      unknownName(path, 'no such authenticator', name, Object.keys(authenticators), ['authenticators', name]),
    )
}

/** Whether the authenticator is one of tickets. */
export function standsForProof(name: string, { authenticators }: Pick<Config, 'authenticators'>): boolean {
  const one = Object.hasOwn(authenticators, name) ? authenticators[name] : undefined
  return one !== undefined && descriptorOf(one).standsForProof === true
}

function checkAdmission(service: ServiceConfig, path: Path, config: Config): Finding[] {
  if (service.authenticate && service.anonymous) {
    return [
      {
        path: [...path, 'anonymous'],
        at: 'key',
        message: 'expected either `authenticate` or `anonymous: true`, not both',
      },
    ]
  }
  if (!service.authenticate && !service.anonymous) {
    const message = 'missing: expected authenticators (or `anonymous: true`, if everyone is to get in without proof)'
    return [{ path: [...path, 'authenticate'], at: 'value', message }]
  }
  const named = namedAuthenticators(service, path)
  const found = unknownAuthenticators(named, config)
  const seen = new Set<string>()
  for (const { name, path: at, within } of named) {
    if (within === 'any' && seen.has(name)) found.push({ path: at, at: 'value', message: 'named twice' })
    if (within === 'any') seen.add(name)
    if (within === 'all' && standsForProof(name, config)) {
      found.push({
        path: at,
        at: 'value',
        message: 'a ticket stands for a whole proof already: name it beside `all`, not within',
      })
    }
  }
  if (named.length > 0 && named.every(({ name }) => standsForProof(name, config))) {
    const message = 'expected another authenticator beside tickets: something must prove who may have one'
    found.push({ path: [...path, 'authenticate'], at: 'value', message })
  }
  return found
}

function checkOrigins(service: ServiceConfig, path: Path, config: Config): Finding[] {
  const position = service.origins.indexOf('*')
  if (position === -1) return []
  const at = [...path, 'origins', position]
  if (service.origins.length > 1)
    return [{ path: at, at: 'value', message: '"*" stands alone: it includes all others' }]
  return namedAuthenticators(service, path).flatMap(({ name }): Finding[] => {
    const authenticator = config.authenticators[name]
    const why = authenticator && descriptorOf(authenticator).ambient?.(authenticator)
    if (why === undefined) return []
    const message = `any page could use the logins of its visitors: "*" is not possible with authenticator ${name}, since ${why}`
    return [{ path: at, at: 'value', message }]
  })
}

/** Keys of `service` or of a rule that exclude each other. */
export function checkVhosts(
  { vhost, vhosts }: { vhost?: string | undefined; vhosts?: string[] | undefined },
  path: Path,
): Finding[] {
  if (vhost === undefined || vhosts === undefined) return []
  return [
    {
      path: [...path, 'vhosts'],
      at: 'key',
      message: 'expected either `vhost` (pinned) or `vhosts` (a choice), not both',
    },
  ]
}

/** What operators read of a refusal names users, roles and rules: no stranger may read it. */
function checkDevelopment({ development }: ServiceConfig, path: Path, { listen }: Config): Finding[] {
  if (!development) return []
  const isOpen = listen.some(
    (one) => isBehindDoor(one) || !isLoopback(one.host) || one.behindTls || one.trustedProxies !== undefined,
  )
  if (!isOpen) return []
  const message =
    'strangers would read why they are refused: only where every listener is at a loopback address, without `behindTls`, `trustedProxies` and `door`'
  return [{ path: [...path, 'development'], at: 'value', message, refersTo: ['listen'] }]
}

function checkOne(service: ServiceConfig, index: number, config: Config): Finding[] {
  const path: Path = ['services', index]
  const found = [
    ...checkAdmission(service, path, config),
    ...checkOrigins(service, path, config),
    ...checkVhosts(service, path),
    ...checkDevelopment(service, path, config),
  ]
  if (!Object.hasOwn(config.brokers, service.broker)) {
    const refersTo = ['brokers', service.broker]
    const known = Object.keys(config.brokers)
    found.push(unknownName([...path, 'broker'], 'no such broker', service.broker, known, refersTo))
  }
  const same = config.services.findIndex((other) => other.path === service.path)
  if (same < index)
    found.push({ path: [...path, 'path'], at: 'value', message: `services[${same}] has this path already` })
  if (service.path === '/auth' || service.path.startsWith('/auth/')) {
    found.push({ path: [...path, 'path'], at: 'value', message: "paths under /auth are the gateway's own" })
  }
  return found
}

export function checkServices(config: Config): Finding[] {
  return config.services.flatMap((service, index) => checkOne(service, index, config))
}
