/**
 * The effective configuration as it may be shown: every default filled in, and nothing that is secret. Places of secrets
 * (files, environment variables) are shown, their values never are.
 */

const REDACTED = '[redacted]'

/** Keys whose values are never shown: free-form input of modules and strategies, and hashes of passwords. */
const HIDDEN_KEYS: ReadonlySet<string> = new Set(['options', 'password'])

/** Plain JSON: objects have their keys in alphabetical order, so that equal configurations have equal texts. */
export type Shown = string | number | boolean | null | readonly Shown[] | { readonly [key: string]: Shown }

/** @param part the whole of it, or a part */
export function redacted(part: object): Shown {
  return shown(part)
}

function shown(value: unknown): Shown {
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value === 'string') return withoutUserInfo(value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  if (typeof value !== 'object') return typeof value
  if (holdsSecret(value)) return REDACTED
  const keys = Object.keys(value).sort()
  return Object.fromEntries(
    keys.flatMap((key): [string, Shown][] => {
      const one = (value as Readonly<Record<string, unknown>>)[key]
      if (one === undefined) return []
      return [[key, HIDDEN_KEYS.has(key) && !isPlace(one) ? REDACTED : shown(one)]]
    }),
  )
}

/** A secret that stands in the configuration itself, in the clear or encrypted. */
function holdsSecret(value: object): boolean {
  return 'kind' in value && (value.kind === 'text' || value.kind === 'encrypted')
}

/** A secret that stands elsewhere: a file, an environment variable. */
function isPlace(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false
  return value.kind === 'env' || value.kind === 'file'
}

/** User and password in a URL. [RFC 3986 §3.2.1] */
function withoutUserInfo(text: string): string {
  if (!text.includes('@') || !URL.canParse(text)) return text
  const url = new URL(text)
  if (url.username === '' && url.password === '') return text
  url.username = ''
  url.password = ''
  return url.href.replace('://', `://${REDACTED}@`)
}
