/** Modules that the configuration names: found where the operator installed them, else where the gateway is. */
import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** @param folder where packages are looked for first: the configuration's */
export function moduleLoader(folder: string): (module: string) => Promise<unknown> {
  const requireFrom = createRequire(join(folder, 'gatehouse.yaml'))
  return async (module) => {
    if (isAbsolute(module)) return (await import(pathToFileURL(module).href)) as unknown
    let found: string | undefined
    try {
      found = requireFrom.resolve(module)
    } catch {
      // Not there, or a package for `import` alone: the gateway's own resolution decides.
    }
    return (await import(found === undefined ? module : pathToFileURL(found).href)) as unknown
  }
}
