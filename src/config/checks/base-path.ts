/** The path before all others: what it says must be what browsers and services say. */
import type { Finding } from '../reading/issues.ts'
import type { Config } from '../schema/schema.ts'

export function checkBasePath({ basePath, basePathStripped }: Config): Finding[] {
  if (!basePathStripped || basePath !== undefined) return []
  return [{ path: ['basePathStripped'], at: 'key', message: 'without meaning: there is no `basePath`' }]
}

/** Services are written without it; with it they are below it twice. */
export function doubledBasePath({ basePath, services }: Config): Finding[] {
  if (basePath === undefined) return []
  return services.flatMap(({ path }, index): Finding[] => {
    if (!`${path}/`.startsWith(`${basePath}/`)) return []
    const message = `clients connect to ${basePath}${path}: \`basePath\` stands before this path already`
    return [{ path: ['services', index, 'path'], at: 'value', message }]
  })
}
