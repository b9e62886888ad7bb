/** Of two equal keys JSON.parse takes the last one, others take the first: whoever checks must not see another than who acts. */

/** Texts, with the colon that makes a key of one, and what opens and ends objects and lists. */
const TOKENS = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g

/** The first key that stands twice in one object of a valid JSON text; undefined: there is none. */
export function repeatedKey(json: string): string | undefined {
  /** Keys of the objects that are open, from the outermost; lists have none. */
  const open: (Set<string> | undefined)[] = []
  for (const [token, colon] of json.matchAll(TOKENS)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length)) as string
      const keys = open.at(-1)
      if (keys?.has(key) === true) return key
      keys?.add(key)
    }
  }
  return undefined
}
