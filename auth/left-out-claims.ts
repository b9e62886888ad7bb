/**
 * Claims that a provider has left out of a token because they would be too many: it says where they are instead
 * (`_claim_names`, distributed claims) [OpenID Connect Core §5.6.2], or only that there are some (`hasgroups`, as Microsoft
 * Entra ID does in the implicit flow). Nobody loses or gets anything by it here; the log says so, whether they are refused or admitted with less.
 */

const MAX_NAMES = 5
const NAME = /^[\w:/.-]{1,64}$/

/** The end of a refusal's text for operators; empty where nothing was left out. */
export function leftOutText(claims: Readonly<Record<string, unknown>>): string {
  const detail = leftOutDetail(claims)
  return detail === undefined ? '' : `; ${detail}`
}

/** The same as a sentence of its own. */
export function leftOutDetail(claims: Readonly<Record<string, unknown>>): string | undefined {
  const names = leftOutClaims(claims)
  if (names.length === 0) return undefined
  return `the provider left ${names.join(', ')} out of the token, most often because they are too many: let it send roles, or only the groups of this application`
}

/** Names of claims that are elsewhere and not in the token itself. */
export function leftOutClaims(claims: Readonly<Record<string, unknown>>): readonly string[] {
  const elsewhere = own(claims, '_claim_names')
  const named = typeof elsewhere === 'object' && elsewhere !== null && !Array.isArray(elsewhere) ? elsewhere : {}
  const has = own(claims, 'hasgroups')
  const names = [...Object.keys(named), ...(has === true || has === 'true' ? ['groups'] : [])]
  const absent = names.filter((name) => NAME.test(name) && own(claims, name) === undefined)
  return [...new Set(absent)].slice(0, MAX_NAMES)
}

function own(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}
