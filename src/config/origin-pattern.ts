/**
 * What may stand in `origins`, and which Origin headers it is for: an origin of the web, byte for byte; that of an app or
 * an extension (`capacitor://localhost`), which is nobody's host and compared as text; `https://*.preview.example.com`,
 * where the star is one or more whole labels; or `*`, any page of http or https.
 *
 * Nothing of what a client sent is repaired: what is not the one serialised form of an origin matches nothing.
 * [RFC 6454 §6.2, HTML §7.1.1]
 */

const LONGEST_ORIGIN = 300
const EXAMPLE = 'expected an origin such as https://app.example.com (scheme, host and port, no path), or "*"'

/** Schemes of apps and extensions: whose pages have an origin although no URL of theirs has one by the standard for URLs. */
const APP_ORIGIN =
  /^(?!(?:https?|wss?|ftp|file|blob|data|javascript|about|null):)[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._-]+(?::\d{1,5})?$/

const STAR = '://*.'
/** Stands for the star where a pattern is judged as an address. */
const ANY_LABEL = '://any.'
const FIXED_LABELS = 2
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/

/** Hosts below one, on one scheme and port. */
interface HostPattern {
  readonly protocol: string
  readonly port: string
  /** With the dot before it. */
  readonly suffix: string
}

/** Why it cannot be listed, and what to write instead; `undefined` where it can. */
export function originProblem(listed: string): string | undefined {
  if (listed === '*' || APP_ORIGIN.test(listed)) return undefined
  const isPattern = listed.includes(STAR)
  const plain = isPattern ? listed.replace(STAR, ANY_LABEL) : listed
  if (plain.includes('*'))
    return `${EXAMPLE}; a star stands for whole labels at the beginning: https://*.preview.example.com`
  const origin = webOrigin(plain)
  if (origin === undefined) return EXAMPLE
  const written = isPattern ? origin.replace(ANY_LABEL, STAR) : origin
  if (written !== listed) return `${EXAMPLE}; browsers write this one ${written}`
  if (isPattern && patternOf(listed).suffix.split('.').length - 1 < FIXED_LABELS) {
    return 'expected two labels or more behind the star, as in https://*.example.com: anybody may have a host below one'
  }
  return undefined
}

/** Which Origin headers a list is for. What cannot be listed is for none. */
export function originMatcher(listed: readonly string[]): (origin: string) => boolean {
  const good = listed.filter((one) => originProblem(one) === undefined)
  const exact: ReadonlySet<string> = new Set(good)
  const patterns = good.filter((one) => one.includes(STAR)).map(patternOf)
  const isAny = exact.has('*')
  return (origin) => {
    if (origin.includes('*') || origin.length > LONGEST_ORIGIN) return false
    if (exact.has(origin)) return true
    if (!isAny && patterns.length === 0) return false
    if (webOrigin(origin) !== origin) return false
    return isAny || patterns.some((pattern) => matches(pattern, origin))
  }
}

/** As browsers write the origin of a page of http or https; `undefined` for what is none, or more than one. */
function webOrigin(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined
  const { pathname, search, hash, username, password, origin } = new URL(text)
  return pathname === '/' && search === '' && hash === '' && username === '' && password === '' ? origin : undefined
}

function patternOf(listed: string): HostPattern {
  const { protocol, port, hostname } = new URL(listed.replace(STAR, ANY_LABEL))
  return { protocol, port, suffix: hostname.slice(hostname.indexOf('.')) }
}

function matches({ protocol, port, suffix }: HostPattern, origin: string): boolean {
  const url = new URL(origin)
  if (url.protocol !== protocol || url.port !== port || !url.hostname.endsWith(suffix)) return false
  return url.hostname
    .slice(0, -suffix.length)
    .split('.')
    .every((label) => LABEL.test(label))
}
