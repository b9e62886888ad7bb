/**
 * `npm run docs` writes the generated regions of the documentation, and the files that are generated as a whole;
 * `npm run docs:check` only says which are out of step, and fails when there are any. Every page under docs/ is read, so
 * that a marker without a region is found.
 *
 * Both also count sentences that are hard to read. A page may have as many as scripts/language/limits.json says; the
 * first command lowers that number where a page has become better, and no command raises it.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GENERATED_FILES } from './generated-files.ts'
import { fillRegions } from './generated-regions.ts'
import { countOf } from './language/findings.ts'
import { lowered, pagesBeyond } from './language/limits.ts'
import { languageFindings, readLimits, writeLimits } from './language/pages.ts'
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
for (const { path, render } of GENERATED_FILES) {
  const file = join(root, path)
  const after = await render()
  if (existsSync(file) && readFileSync(file, 'utf8') === after) continue
  stale.push(path)
  if (mayWrite) writeFileSync(file, after)
}

if (mayWrite) {
  console.log(stale.length === 0 ? 'Generated documentation is in step.' : `Written: ${stale.join(', ')}`)
} else if (stale.length > 0) {
  console.error(`Out of step with the code: ${stale.join(', ')}. Run "npm run docs" and commit what it changes.`)
  process.exitCode = 1
}

const findings = languageFindings()
const counts = Object.fromEntries([...findings].map(([page, found]) => [page, countOf(found)]))
const limits = readLimits()
for (const page of pagesBeyond(limits, counts)) {
  const { long, word } = limits[page] ?? { long: 0, word: 0 }
  console.error(`${page} may have ${long} long sentences and ${word} words to avoid, and has:`)
  for (const { line, why, text } of findings.get(page) ?? []) console.error(`  ${line}: ${why} | ${text}`)
  process.exitCode = 1
}
if (mayWrite) writeLimits(lowered(limits, counts))
