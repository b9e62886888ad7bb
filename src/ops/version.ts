import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The package's version. Its package.json is above the sources, and above the built files once more. */
export function version(): string {
  for (const above of ['../..', '../../..']) {
    try {
      const found: unknown = JSON.parse(readFileSync(join(import.meta.dirname, above, 'package.json'), 'utf8'))
      if (found !== null && typeof found === 'object' && 'version' in found) return String(found.version)
    } catch {
      // Not at this height.
    }
  }
  throw new Error('the package has lost its package.json')
}
