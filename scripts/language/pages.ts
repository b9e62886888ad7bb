/** The pages whose language is counted, read from disk, and the file that keeps their limits. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Finding, findingsIn } from './findings.ts'
import type { Limits } from './limits.ts'

const root = join(import.meta.dirname, '../..')
const limitsFile = join(import.meta.dirname, 'limits.json')

/** Pages for readers of a release. docs/notes/ is not among them: it keeps diaries as they were written. */
export function languageFindings(): Map<string, readonly Finding[]> {
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  const pages = ['README.md', 'SECURITY.md', 'CHANGELOG.md', ...docs.sort().map((name) => `docs/${name}`)]
  return new Map(pages.map((page) => [page, findingsIn(readFileSync(join(root, page), 'utf8'))]))
}

export function readLimits(): Limits {
  return JSON.parse(readFileSync(limitsFile, 'utf8')) as Limits
}

export function writeLimits(limits: Limits): void {
  const lines = Object.entries(limits).map(
    ([page, { long, word }]) => `  ${JSON.stringify(page)}: { "long": ${long}, "word": ${word} }`,
  )
  writeFileSync(limitsFile, lines.length === 0 ? '{}\n' : `{\n${lines.join(',\n')}\n}\n`)
}
