/**
 * A login with the ticket that a person has already, from `kinit` or from the login at the machine: one token for each
 * upgrade request. [RFC 4559 §4]
 */
import { isKerberosClient, KERBEROS_INSTALL, type KerberosClientModule } from './kerberos-client.ts'

/** There is no ticket, or no package for it; the message is for the person. */
export class KerberosLoginFailed extends Error {
  override readonly name = 'KerberosLoginFailed'
}

/**
 * The value of `Authorization`, used once.
 * @param load imports the package `kerberos`
 * @param host of the gateway, as its service principal names it: `HTTP/host`
 * @throws KerberosLoginFailed
 */
export async function kerberosAuthorization(load: () => Promise<unknown>, host: string): Promise<string> {
  const kerberos = await loaded(load)
  try {
    const client = await kerberos.initializeClient(`HTTP@${host}`, { mechOID: kerberos.GSS_MECH_OID_SPNEGO })
    const token = await client.step('')
    if (typeof token !== 'string' || token === '') throw new Error('GSSAPI gives no token')
    return `Negotiate ${token}`
  } catch (error) {
    throw new KerberosLoginFailed(`no ticket for HTTP/${host}: ${messageOf(error)}; see klist and kinit`, {
      cause: error,
    })
  }
}

async function loaded(load: () => Promise<unknown>): Promise<KerberosClientModule> {
  let found: unknown
  try {
    found = await load()
  } catch (cause) {
    throw new KerberosLoginFailed(`--negotiate needs the package kerberos: ${KERBEROS_INSTALL}; ${messageOf(cause)}`, {
      cause,
    })
  }
  for (const candidate of [found, (found as { readonly default?: unknown } | undefined)?.default])
    if (isKerberosClient(candidate)) return candidate
  throw new KerberosLoginFailed(`what is installed as kerberos is not version 7 of it: ${KERBEROS_INSTALL}`)
}

/** GSSAPI's texts come from outside. */
function messageOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.replace(/[\p{Cc}\s]+/gu, ' ').slice(0, 400)
}
