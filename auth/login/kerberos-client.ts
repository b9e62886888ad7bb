/** The package `kerberos` as a client uses it. Not a dependency: who has a realm installs it. */

export interface KerberosClient {
  /** The next token for the service, in base64. Rejects where GSSAPI has no ticket. */
  step(challenge: string): Promise<unknown>
}

export interface KerberosClientModule {
  initializeClient(service: string, options: { readonly mechOID: number }): Promise<KerberosClient>
  /** Wraps what Kerberos says as HTTP wants it; by itself the package does not. [RFC 4559 §4.1] */
  readonly GSS_MECH_OID_SPNEGO: number
}

export const KERBEROS_INSTALL =
  'run `npm install kerberos` beside Gatehouse, with --global if it is (it is built from source: on Debian with libkrb5-dev)'

export function isKerberosClient(value: unknown): value is KerberosClientModule {
  const { initializeClient, GSS_MECH_OID_SPNEGO } = (value ?? {}) as Partial<KerberosClientModule>
  return typeof initializeClient === 'function' && typeof GSS_MECH_OID_SPNEGO === 'number'
}
