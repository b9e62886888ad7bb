/** What is possible but seldom meant: told at the start and by `check`, stops nothing. */

import { descriptorOf } from '../../../auth/index.ts'
import { secretsOf } from '../files/place-secrets.ts'
import { originMatcher } from '../origin-pattern.ts'
import type { Finding } from '../reading/issues.ts'
import type { Path } from '../reading/problems.ts'
import { pathKey } from '../reading/read.ts'
import { addressListeners } from '../schema/listener-kinds.ts'
import type { Config, ServiceConfig } from '../schema/schema.ts'
import { isLoopback } from '../schema/units.ts'
import { authenticatorWarnings } from './authenticators.ts'
import { doubledBasePath } from './base-path.ts'
import { keyedRights } from './keyed-rights.ts'
import { blurredCredentials, blurredPatterns } from './separation.ts'
import { namedAuthenticators, standsForProof } from './services.ts'

export interface WarningContext {
  /** Paths of text that came from the environment. */
  readonly filled: ReadonlySet<string>
  /** Everybody on the machine may read the configuration. */
  readonly readable: boolean
}

const warn = (path: Path, message: string, at: Finding['at'] = 'value'): Finding => ({ path, at, message })

export function configWarnings(config: Config, { filled, readable }: WarningContext): Finding[] {
  return [
    ...textSecrets(config, filled, readable),
    ...plainListeners(config),
    ...plainAdmin(config),
    ...plainCookies(config),
    ...trustInEverybody(config),
    ...proxiesElsewhere(config),
    ...plainBrokers(config),
    ...plainState(config),
    ...authenticatorWarnings(config),
    ...unused(config),
    ...doubledBasePath(config),
    ...config.services.flatMap((service, index) => serviceWarnings(service, ['services', index], config)),
  ]
}

function textSecrets(config: Config, filled: ReadonlySet<string>, readable: boolean): Finding[] {
  const inText = secretsOf(config).filter(({ path, secret }) => secret.kind === 'text' && !filled.has(pathKey(path)))
  const found = inText.map(({ path }) =>
    warn(
      path,
      'a secret as text: use { env }, { file } or { encrypted }, so that whoever reads this file does not have it',
    ),
  )
  if (readable && inText.length > 0)
    found.unshift(warn([], 'this file has secrets in it, and everybody on this machine may read it (chmod o-r)'))
  return found
}

/** Passwords, tokens and tickets over plain HTTP can be read on their way. */
function plainListeners(config: Config): Finding[] {
  if (config.services.every(({ authenticate }) => authenticate === undefined)) return []
  const message =
    'passwords and tokens are readable on their way here: set `tls`, or `behindTls: true` if TLS ends in front of this listener'
  return addressListeners(config.listen).flatMap(({ listener: { host, tls, behindTls }, index }) =>
    tls || behindTls || isLoopback(host) ? [] : [warn(['listen', index], message)],
  )
}

/** Those who manage prove it over plain HTTP. */
function plainAdmin({ admin }: Config): Finding[] {
  if (admin?.authenticate === undefined || isLoopback(admin.host)) return []
  if (admin.tls !== undefined || admin.behindTls) return []
  const message =
    'passwords and tokens of operators are readable on their way here: set `tls`, or use a loopback address'
  return [warn(['admin', 'host'], message)]
}

/** Cookies are protected by their names over TLS, of which a listener on loopback does not know by itself. */
function plainCookies(config: Config): Finding[] {
  const isPlanted = config.services.some(
    (service) =>
      service.origins.some((origin) => origin.startsWith('https:')) &&
      namedAuthenticators(service, []).some(({ name }) => standsForProof(name, config)),
  )
  if (!isPlanted) return []
  const message =
    'sibling domains can plant ticket cookies here: set `behindTls: true` if TLS ends in front of this listener'
  return addressListeners(config.listen).flatMap(({ listener: { host, tls, behindTls }, index }) =>
    tls || behindTls || !isLoopback(host) ? [] : [warn(['listen', index], message)],
  )
}

/** Proxies anywhere are no proxies: whoever connects says what it likes. */
function trustInEverybody({ listen }: Config): Finding[] {
  return addressListeners(listen).flatMap(({ listener: { trustedProxies = [] }, index }) =>
    trustedProxies.flatMap((range, position) =>
      range.endsWith('/0')
        ? [warn(['listen', index, 'trustedProxies', position], 'every client is trusted to say where it comes from')]
        : [],
    ),
  )
}

/** The default address is one of this machine: what is written for a proxy on another one would be waited for in vain. */
function proxiesElsewhere({ listen }: Config): Finding[] {
  const message = 'only this machine reaches this listener, and its proxies are elsewhere: set `host`, such as 0.0.0.0'
  return addressListeners(listen).flatMap(({ listener: { host, trustedProxies = [] }, index }) => {
    const isHere = (range: string) => range.endsWith('/0') || isLoopback(range.replace(/\/\d+$/, ''))
    if (!isLoopback(host) || trustedProxies.length === 0 || trustedProxies.some(isHere)) return []
    return [warn(['listen', index, 'trustedProxies'], message)]
  })
}

function plainBrokers({ brokers }: Config): Finding[] {
  return Object.entries(brokers).flatMap(([name, { urls }]) =>
    urls.flatMap(({ host, tls }, index) =>
      tls || isLoopback(host)
        ? []
        : [
            warn(
              ['brokers', name, 'urls', index],
              'broker credentials are readable on their way: amqps:// encrypts and verifies',
            ),
          ],
    ),
  )
}

function unused(config: Config): Finding[] {
  const named = config.services.flatMap((service, index) => namedAuthenticators(service, ['services', index]))
  const managing = namedAuthenticators(config.admin ?? {}, ['admin'])
  const used = new Set([...named, ...managing].map(({ name }) => name))
  const authenticators = Object.keys(config.authenticators).filter((name) => !used.has(name))
  const brokers = Object.keys(config.brokers).filter((name) => !config.services.some(({ broker }) => broker === name))
  return [
    ...authenticators.map((name) => warn(['authenticators', name], 'no service uses this authenticator', 'key')),
    ...brokers.map((name) => warn(['brokers', name], 'no service uses this broker', 'key')),
  ]
}

function serviceWarnings(service: ServiceConfig, path: Path, config: Config): Finding[] {
  return [
    ...bareSubjects(service, path, config),
    ...rolelessAuthenticators(service, path, config),
    ...unreachableRules(service, path),
    ...loginsElsewhere(service, path, config),
    ...tokenless(service, path, config),
    ...shadow(service, path),
    ...blurredCredentials(service, path),
    ...blurredPatterns(service, path),
    ...keyedRights(service, path),
  ]
}

/** What is passed on has to come from somewhere. */
function tokenless(service: ServiceConfig, path: Path, { brokers, authenticators }: Config): Finding[] {
  const named = namedAuthenticators(service, path).map(({ name }) => authenticators[name])
  if (named.some((one) => one && descriptorOf(one).bringsTokens)) return []
  return service.promote.flatMap(({ to }, index) => {
    const credential = typeof to === 'string' ? brokers[service.broker]?.credentials[to] : undefined
    if (credential?.kind !== 'passOn' && credential?.kind !== 'exchange') return []
    const what = credential.kind === 'passOn' ? 'pass on' : 'exchange'
    const message = `nobody has an access token to ${what} here: authenticators of type jwt, oidc and introspection bring one`
    return [warn([...path, 'promote', index, 'to'], message)]
  })
}

/** A login leads back to a page of the gateway's own host, which is of an origin like any other. */
function loginsElsewhere(service: ServiceConfig, path: Path, { authenticators }: Config): Finding[] {
  return namedAuthenticators(service, path).flatMap(({ name, path: at }) => {
    const authenticator = authenticators[name]
    const url = authenticator && descriptorOf(authenticator).returnsTo?.(authenticator)
    if (url === undefined || originMatcher(service.origins)(new URL(url).origin)) return []
    const message = `${name} leads people back to its \`publicUrl\`, whose pages this service keeps out: add that to \`origins\``
    return [warn(at, message)]
  })
}

/** One subject's name from several authenticators is several people, unless somebody made sure. To refuse them all is safe. */
function bareSubjects(service: ServiceConfig, path: Path, config: Config): Finding[] {
  const provers = new Set(
    namedAuthenticators(service, path)
      .map(({ name }) => name)
      .filter((name) => !standsForProof(name, config)),
  )
  if (provers.size < 2) return []
  return service.promote.flatMap(({ when, refuse }, index) => {
    if (!when.subject || when.issuer || when.authenticator || refuse !== undefined) return []
    const message = `this subject from any of ${[...provers].join(', ')}: add \`issuer\` or \`authenticator\` if only one is meant`
    return [warn([...path, 'promote', index, 'when', 'subject'], message)]
  })
}

/** Values are sealed; the store's password is not. */
function plainState({ state }: Config): Finding[] {
  if (state?.password === undefined) return []
  return state.urls.flatMap(({ host, tls }, index) =>
    tls || isLoopback(host)
      ? []
      : [warn(['state', 'urls', index], "the store's password is readable on its way here: use rediss://")],
  )
}

/** Who is asked for a role must be able to have one. */
function rolelessAuthenticators(service: ServiceConfig, path: Path, config: Config): Finding[] {
  if (service.require.roles.length === 0) return []
  return namedAuthenticators(service, path).flatMap(({ name, path: at }) => {
    const authenticator = config.authenticators[name]
    const key = authenticator && descriptorOf(authenticator).rolesKey?.(authenticator)
    if (key === undefined) return []
    const advice = key === '' ? '' : `; set its \`${key}\``
    return [warn(at, `${name} gives nobody a role, and this service requires one${advice}`)]
  })
}

function unreachableRules({ promote }: ServiceConfig, path: Path): Finding[] {
  const catchAll = promote.findIndex(({ when }) => Object.values(when).every((condition) => condition === undefined))
  if (catchAll === -1 || catchAll === promote.length - 1) return []
  const does = promote[catchAll]?.refuse === undefined ? 'is for everyone' : 'refuses everyone'
  return [warn([...path, 'promote', catchAll + 1], `never reached: promote[${catchAll}] ${does}`)]
}

function shadow({ enforce, permissions }: ServiceConfig, path: Path): Finding[] {
  if (enforce) return []
  const message = permissions
    ? 'permissions are only logged, nothing is refused'
    : 'without meaning: there are no `permissions`'
  return [warn([...path, 'enforce'], message)]
}
