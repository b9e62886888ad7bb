/** Claims by name. A name with dots means first the claim that is called so, then the path through nested claims. */

/** The claim's value, or undefined. Looks at own properties only, so that no claim is ever inherited. */
export function claimOf(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  let value: unknown = claims
  for (const key of name.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key))
      return undefined
    value = (value as Readonly<Record<string, unknown>>)[key]
  }
  return value
}

/** What kind of value a claim has, in an operator's words. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return 'a text'
  return `a ${typeof value}`
}
