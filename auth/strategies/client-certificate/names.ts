/**
 * The names in a certificate, out of the texts that Node makes of them. Both texts escape what could forge a name
 * (CVE-2021-44532, CVE-2021-44533); these readers undo or keep exactly that escaping, and never cut blindly at commas.
 */
import type { X509Certificate } from 'node:crypto'

export interface AlternativeNames {
  readonly uri: readonly string[]
  readonly dns: readonly string[]
  readonly email: readonly string[]
}

const KINDS: Readonly<Record<string, keyof AlternativeNames>> = { URI: 'uri', DNS: 'dns', email: 'email' }
/** `KIND:value`, the value as a JSON string where it has a character that could end it. */
const ENTRY = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y

/**
 * URIs, DNS names and e-mail addresses of `X509Certificate.subjectAltName`.
 * What cannot be read to the end counts as having none: half a list of names is a forged list.
 */
export function subjectAlternativeNames(text: string | undefined): AlternativeNames {
  const names = { uri: [] as string[], dns: [] as string[], email: [] as string[] }
  if (text === undefined) return names
  ENTRY.lastIndex = 0
  while (ENTRY.lastIndex < text.length) {
    const match = ENTRY.exec(text)
    if (match === null) return { uri: [], dns: [], email: [] }
    const [, kind = '', value = ''] = match
    const list = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
    if (list !== undefined) names[list].push(value.startsWith('"') ? (JSON.parse(value) as string) : value)
  }
  return names
}

/**
 * The name in `X509Certificate.subject` as RFC 4514 writes it: most specific first, `CN=joe,OU=ops,O=Example`. Node
 * gives one relative name per line, most general first, with the values escaped as RFC 2253 §2.4 wants; and nothing for
 * an empty name, whatever its types say.
 */
export function distinguishedName(text: string | undefined): string {
  return (text ?? '')
    .split('\n')
    .filter(Boolean)
    .map((relative) => relative.replaceAll(' + ', '+'))
    .toReversed()
    .join(',')
}

/** The common names, as they are: one subject may have several [RFC 5280 §4.1.2.6]. */
export function commonNames(certificate: X509Certificate): readonly string[] {
  const names: unknown = certificate.toLegacyObject().subject.CN
  return (Array.isArray(names) ? names : [names]).filter((name): name is string => typeof name === 'string')
}
