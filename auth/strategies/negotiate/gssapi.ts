/**
 * The package `kerberos` as the gateway uses it: one acceptor, one step. Not a dependency; whoever has a realm installs
 * it, and src hands over how to load it. Nothing it answers is trusted to be well-formed.
 */
import { InvalidConfiguration } from '../../errors.ts'

/** One login. Made anew for each, since it holds the state of one exchange. */
interface Acceptor {
  readonly username?: unknown
  readonly response?: unknown
  readonly contextComplete?: unknown
  /** Takes a token in base64. Rejects where GSSAPI says no. */
  step(token: string): Promise<unknown>
}

interface KerberosModule {
  /** Looks for the service's key in the key table. Rejects where there is none. */
  initializeServer(service: string): Promise<Acceptor>
}

/** What GSSAPI said about a token. `answer` is for the client. */
export type Accepted =
  | { readonly kind: 'accepted'; readonly principal: string; readonly answer: string }
  | { readonly kind: 'refused'; readonly detail: string }

/** Rejects where the gateway's own key cannot be had. */
export type Accept = (token: string) => Promise<Accepted>

/**
 * @param service as GSSAPI wants it: `HTTP` or `HTTP@host`
 * @throws {InvalidConfiguration} where the package is not there, or the key table does not hold the service's key
 */
export async function gssAcceptor(load: () => Promise<unknown>, service: string): Promise<Accept> {
  const kerberos = await loadKerberos(load)
  try {
    await kerberos.initializeServer(service)
  } catch (cause) {
    throw invalid('keytab', `no key for ${service} can be had from the key table: ${messageOf(cause)}`)
  }
  return async (token) => {
    const acceptor = await kerberos.initializeServer(service)
    try {
      await acceptor.step(token)
    } catch (error) {
      return { kind: 'refused', detail: messageOf(error) }
    }
    const { username, response, contextComplete } = acceptor
    if (contextComplete !== true || typeof username !== 'string' || typeof response !== 'string') {
      return { kind: 'refused', detail: 'one round was not enough' }
    }
    return { kind: 'accepted', principal: username, answer: response }
  }
}

const INSTALL =
  'run `npm install kerberos` beside the gateway, with --global if it is (it is built from source: on Debian with libkrb5-dev)'

/** Why the package cannot be used, with what to do; undefined where it can. No key is looked for. */
export async function kerberosProblem(load: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await loadKerberos(load)
    return undefined
  } catch (error) {
    return messageOf(error instanceof InvalidConfiguration ? error.problems[0]?.message : error)
  }
}

async function loadKerberos(load: () => Promise<unknown>): Promise<KerberosModule> {
  let loaded: unknown
  try {
    loaded = await load()
  } catch (cause) {
    throw invalid('type', `negotiate needs the package kerberos: ${INSTALL}; ${messageOf(cause)}`)
  }
  for (const candidate of [loaded, (loaded as { readonly default?: unknown } | undefined)?.default]) {
    if (isKerberos(candidate)) return candidate
  }
  throw invalid('type', `what is installed as kerberos is not version 7 of it: ${INSTALL}`)
}

function isKerberos(value: unknown): value is KerberosModule {
  return typeof (value as Partial<KerberosModule> | null | undefined)?.initializeServer === 'function'
}

function invalid(key: string, message: string): InvalidConfiguration {
  return new InvalidConfiguration([{ path: [key], message }])
}

/** GSSAPI's texts name principals and hosts, never bytes of a token; they come from outside all the same. */
function messageOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.replace(/[\p{Cc}\s]+/gu, ' ').slice(0, 400)
}
