/**
 * `npm run docs` writes the generated regions of the documentation; `npm run docs:check` only says which are out of
 * step, and fails when there are any. Every page under docs/ is read, so that a marker without a region is found.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fillRegions } from './generated-regions.ts'
import { REGIONS } from './regions.ts'

const root = join(import.meta.dirname, '..')
const mayWrite = !process.argv.includes('--check')

const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name.replaceAll('\\', '/')}`)

for (const page of new Set(REGIONS.map((region) => region.page))) {
  if (!pages.includes(page)) throw new Error(`${page} does not exist, but scripts/regions.ts has regions for it`)
}

const stale: string[] = []
for (const page of pages) {
  const before = readFileSync(join(root, page), 'utf8')
  const after = await fillRegions(page, before, REGIONS)
  if (after === before) continue
  stale.push(page)
  if (mayWrite) writeFileSync(join(root, page), after)
}

if (mayWrite) {
  console.log(stale.length === 0 ? 'Generated documentation is in step.' : `Written: ${stale.join(', ')}`)
} else if (stale.length > 0) {
  console.error(`Out of step with the code: ${stale.join(', ')}. Run "npm run docs" and commit what it changes.`)
  process.exitCode = 1
}
