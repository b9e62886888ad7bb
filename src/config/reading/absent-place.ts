/**
 * Whether a configuration has the entry that a secret is encrypted for. One that is not there yet may come later; one that
 * is mistyped never will, and what was encrypted for it would not decrypt anywhere.
 */
import { yamlSource } from './document.ts'
import { suggestion } from './nearest.ts'
import { formatPath, type Path } from './problems.ts'

/** What is missing on the way to the entry that shall hold the secret, as a sentence; nothing when it is there. */
export function absentPlace(text: string, path: Path): string | undefined {
  let value = yamlSource(text).value
  for (const [depth, key] of path.slice(0, -1).entries()) {
    // A service of its own may stand where a list of them is expected.
    if (key === 0 && isObject(value) && !Array.isArray(value)) continue
    const next = isObject(value) && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
    if (next === undefined) {
      const known = isObject(value) && !Array.isArray(value) ? Object.keys(value) : []
      return `there is no ${formatPath(path.slice(0, depth + 1))} yet${suggestion(String(key), known)}`
    }
    value = next
  }
  return undefined
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
