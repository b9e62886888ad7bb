/** Certificates in a file, as operators name it: of an authority, or of a server with those between. */
import { X509Certificate } from 'node:crypto'

const BEGIN = '-----BEGIN CERTIFICATE-----'
/** As OpenSSL sees them: on a line of its own, perhaps after the byte order mark of an editor. */
const BEGINS = new RegExp(String.raw`^(?:\xef\xbb\xbf)?(?=${BEGIN}\s*$)`, 'm')

/** All of them; undefined where there is none, or one cannot be read: TLS would leave it out, and say nothing. */
export function certificatesIn(pem: Buffer): readonly [X509Certificate, ...X509Certificate[]] | undefined {
  const blocks = pem.toString('latin1').split(BEGINS)
  try {
    // With all that follows: OpenSSL looks at the whole line of its end.
    const [first, ...others] = blocks.filter((text) => text.startsWith(BEGIN)).map((text) => new X509Certificate(text))
    return first === undefined ? undefined : [first, ...others]
  } catch {
    return undefined
  }
}
