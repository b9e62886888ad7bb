/** By which names a certificate may be known: DNS names, and the common name of the subject. */
import { X509Certificate } from 'node:crypto'

/** Whether the certificate carries the name, letter for letter but for upper and lower case; wildcards are not looked at. */
export function carriesName(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { subject: 'always', wildcards: false, partialWildcards: false }) !== undefined
}

/** The same of the first certificate in a file; undefined where there is none. */
export function hasName(pem: Buffer, name: string): boolean | undefined {
  try {
    return carriesName(new X509Certificate(pem), name)
  } catch {
    return undefined
  }
}
