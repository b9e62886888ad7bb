/**
 * Which authenticators a configuration needs, and with which settings. Services and the admin listener share one of most
 * types; a type with a login of its own has another one for that listener, with its own cookies and memories.
 */
import { type AuthenticatorConfig, descriptorOf } from '../../auth/index.ts'
import type { Config } from '../config/schema/schema.ts'

export type WantingConfig = Pick<Config, 'authenticators' | 'services' | 'admin' | 'basePath'>

/** All that makes an authenticator what it is. */
export interface Wanted {
  readonly settings: AuthenticatorConfig
  readonly basePath: string | undefined
  /** Distinguishes its memories from those of the other listener's. */
  readonly place: 'services' | 'admin'
}

/** By the same keys as what is made of them. */
export function wantedBy({
  authenticators,
  services,
  admin,
  basePath,
}: WantingConfig): Readonly<Record<'authenticators' | 'adminAuthenticators', ReadonlyMap<string, Wanted>>> {
  const atServices = new Set(services.flatMap(({ authenticate = [] }) => authenticate.flatMap(namesIn)))
  const atAdmin = new Set((admin?.authenticate ?? []).flatMap(namesIn))
  const all = Object.entries(authenticators)
  const own = all.flatMap(([name, config]): [string, Wanted][] => {
    const settings = atAdmin.has(name) ? settingsForAdmin(config, admin?.publicUrl) : undefined
    return settings === undefined ? [] : [[name, { settings, basePath: prefixOf(admin?.publicUrl), place: 'admin' }]]
  })
  const adminAuthenticators = new Map(own)
  const shared = all.filter(([name]) => atServices.has(name) || (atAdmin.has(name) && !adminAuthenticators.has(name)))
  const wanted = ([name, settings]: [string, AuthenticatorConfig]): [string, Wanted] => [
    name,
    { settings, basePath, place: 'services' },
  ]
  return { authenticators: new Map(shared.map(wanted)), adminAuthenticators }
}

/** Undefined: it is the same as for services. */
function settingsForAdmin(config: AuthenticatorConfig, publicUrl: string | undefined): AuthenticatorConfig | undefined {
  const other = publicUrl === undefined ? undefined : descriptorOf(config).forAdmin?.(config, publicUrl)
  return other === undefined ? undefined : { ...config, ...other }
}

/** What a proxy in front puts before the paths of the admin listener. */
function prefixOf(publicUrl: string | undefined): string | undefined {
  const path = publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/+$/, '')
  return path === '' ? undefined : path
}

/** The scopes of what the authenticators of a configuration remember. */
export function stateScopes(config: WantingConfig): ReadonlySet<string> {
  const all = Object.entries(config.authenticators)
  const atServices = all.map(([name, settings]) => stateScope(name, { settings, place: 'services' }))
  const atAdmin = [...wantedBy(config).adminAuthenticators].map(([name, one]) => stateScope(name, one))
  return new Set([...atServices, ...atAdmin])
}

/** Whose memories an authenticator continues: those of its name and type, under the same settings where they matter. */
export function stateScope(name: string, { settings, place }: Pick<Wanted, 'settings' | 'place'>): string {
  const owner = place === 'admin' ? [settings.type, name, { place }] : [settings.type, name]
  return JSON.stringify([...owner, ...(descriptorOf(settings).memorySettings?.(settings) ?? [])])
}

function namesIn(entry: string | { readonly all: readonly string[] }): readonly string[] {
  return typeof entry === 'string' ? [entry] : entry.all
}
