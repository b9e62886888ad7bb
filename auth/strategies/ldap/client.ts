/**
 * The package `ldapts` as the gateway uses it: connect, bind, search. Not a dependency; whoever has a directory installs it,
 * and src hands over how to load it. Referrals are not followed: a directory that knows no better than another one has no
 * answer.
 */
import { InvalidConfiguration } from '../../errors.ts'

export interface Entry {
  readonly dn: string
  readonly [attribute: string]: unknown
}

export interface SearchOptions {
  readonly scope: 'base' | 'sub'
  readonly filter: string
  readonly attributes: readonly string[]
  readonly sizeLimit: number
  readonly timeLimit: number
}

export interface LdapClient {
  readonly isConnected: boolean
  startTLS(options: TlsOptions): Promise<void>
  bind(dn: string, password: string): Promise<void>
  search(base: string, options: SearchOptions): Promise<{ readonly searchEntries: readonly Entry[] }>
  unbind(): Promise<void>
}

export interface TlsOptions {
  readonly ca?: Buffer | undefined
  /** Whose name or address the certificate must have. Over a socket that is there, Node would take `localhost`. */
  readonly host: string
  readonly servername?: string | undefined
  readonly minVersion: 'TLSv1.2'
}

interface ClientOptions {
  readonly url: string
  readonly timeout: number
  readonly connectTimeout: number
  readonly strictDN: boolean
  readonly tlsOptions?: TlsOptions | undefined
}

export type MakeClient = (options: ClientOptions) => LdapClient

/** @throws {InvalidConfiguration} where the package is not there */
export async function ldapClients(load: () => Promise<unknown>): Promise<MakeClient> {
  const module = await load().catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : 'unknown failure'
    throw invalid(
      `ldap needs the package ldapts, which cannot be loaded (\`npm install ldapts@8\` beside the gateway, with --global if it is): ${why}`,
    )
  })
  const Client: unknown =
    typeof module === 'object' && module !== null && 'Client' in module ? module.Client : undefined
  if (typeof Client !== 'function') throw invalid('the package ldapts has no Client: version 8 is known to work')
  const Constructor = Client as new (options: ClientOptions) => LdapClient
  return (options) => new Constructor(options)
}

/** Result codes that say no to a name or a password, and not to the gateway. [RFC 4511 appendix A] */
const NO: ReadonlySet<unknown> = new Set([
  32, // noSuchObject
  34, // invalidDNSyntax
  48, // inappropriateAuthentication
  49, // invalidCredentials
])

/** Whether a bind failed for its credentials. */
export function saysNo(error: unknown): boolean {
  return NO.has(codeOf(error))
}

/** Whether it is an answer of the directory; what goes wrong on the way to it has none, or a text of the system. */
export function hasResultCode(error: unknown): boolean {
  return typeof codeOf(error) === 'number'
}

/** In operators' words; no message of the package shows a password. */
export function failureOf(error: unknown): string {
  const code = codeOf(error)
  if (code === 10) return 'it refers to another directory, and referrals are not followed'
  const message = error instanceof Error ? error.message.trim() : 'unknown failure'
  const name = error instanceof Error && error.name !== 'Error' ? error.name : ''
  return [name, message].filter((text) => text !== '').join(': ')
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}

function invalid(message: string): InvalidConfiguration {
  return new InvalidConfiguration([{ path: ['type'], message }])
}
