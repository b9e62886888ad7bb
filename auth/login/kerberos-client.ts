/** The package `kerberos` as a client uses it. Not a dependency: who has a realm installs it. */

export interface KerberosClient {
  /** The next token for the service, in base64. Rejects where GSSAPI has no ticket. */
  step(challenge: string): Promise<unknown>
}

export interface KerberosClientModule {
  initializeClient(service: string, options: object): Promise<KerberosClient>
}

export const KERBEROS_INSTALL =
  'run `npm install kerberos` beside Gatehouse (it is built from source: on Debian with libkrb5-dev)'

export function isKerberosClient(value: unknown): value is KerberosClientModule {
  return typeof (value as Partial<KerberosClientModule> | null | undefined)?.initializeClient === 'function'
}
