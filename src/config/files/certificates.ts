/** Certificates in a file, as operators name it: of an authority, or of a server with those between. */
import { X509Certificate } from 'node:crypto'

const PEM = /-----BEGIN CERTIFICATE-----.*?(?:-----END CERTIFICATE-----|$)/gs

/** All of them; undefined where there is none, or one cannot be read: TLS would leave it out, and say nothing. */
export function certificatesIn(pem: Buffer): readonly [X509Certificate, ...X509Certificate[]] | undefined {
  try {
    const [first, ...others] = [...pem.toString('latin1').matchAll(PEM)].map(([text]) => new X509Certificate(text))
    return first === undefined ? undefined : [first, ...others]
  } catch {
    return undefined
  }
}
