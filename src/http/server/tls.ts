/**
 * A TLS listener's certificate, key and demands on client certificates. Files are read here, at the start and on a
 * reload; a pair that does not fit is refused and the old one stays.
 */
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContextOptions, type SecureVersion, type TlsOptions } from 'node:tls'
import { certificateBytes } from '../../config/files/protected-file.ts'

export interface ListenerTls {
  readonly cert: string
  readonly key: string
  readonly minVersion: SecureVersion
  readonly clientCertificates?: { readonly ca: string; readonly mode: 'none' | 'optional' | 'required' } | undefined
}

/**
 * What can change while the listener runs.
 *
 * @throws {Error} when a file cannot be read or is not safe from others, or certificate and key do not belong together
 */
export function readCertificates(tls: ListenerTls): SecureContextOptions {
  const asked = asksForCertificates(tls)
  const options: SecureContextOptions = {
    cert: certificateBytes(tls.cert),
    key: certificateBytes(tls.key),
    minVersion: tls.minVersion,
    honorCipherOrder: true,
    // A resumed session would carry a certificate that nobody checks again; so would a renegotiated one, which costs much.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (asked ? constants.SSL_OP_NO_TICKET : 0),
    ...(asked ? { ca: certificateBytes(tls.clientCertificates.ca) } : {}),
  }
  createSecureContext(options)
  return options
}

/** Everything a server is made with; certificates that do not verify still connect where they are optional. */
export function serverTls(tls: ListenerTls): TlsOptions {
  return {
    ...readCertificates(tls),
    requestCert: asksForCertificates(tls),
    rejectUnauthorized: tls.clientCertificates?.mode === 'required',
    ALPNProtocols: ['http/1.1'],
  }
}

/** TLS or not, and what is asked of clients: fixed when a server is made. */
export function tlsKind(tls: ListenerTls | undefined): string {
  return tls === undefined ? 'plain' : `TLS, client certificates ${tls.clientCertificates?.mode ?? 'none'}`
}

function asksForCertificates(
  tls: ListenerTls,
): tls is ListenerTls & { clientCertificates: NonNullable<ListenerTls['clientCertificates']> } {
  return tls.clientCertificates !== undefined && tls.clientCertificates.mode !== 'none'
}
