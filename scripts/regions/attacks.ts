/**
 * What clients may try and what is done about it, with the tests that show it: those whose title begins with the id, such as
 * `it('B1 CC and BCC add …')` or `it('CVE-2026-57217 B1 …')`.
 *
 * A row without a test, and an id in a title that no row explains, fail: the table cannot promise more than is tested.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { markdownTable } from '../generated-regions.ts'
import { ATTACKS, type AttackSection } from './attack-rows.ts'

const TESTS = join(import.meta.dirname, '../../test')
const FOLDERS = ['unit', 'property', 'conformance', 'integration', 'browser']
/** The beginning of a quoted title: ids, maybe behind published advisories or a condition's code. */
const TITLE = /(?<![\w'"`])['"`](?:CVE-\d{4}-\d+ )*((?:[A-G]\d{1,3}(?: |(?=['"`])))+)/g

/** Paths below the folder, in the order of their names. */
function testsIn(folder: string): string[] {
  const names = readdirSync(join(TESTS, folder), { encoding: 'utf8', recursive: true })
  return names.filter((name) => name.endsWith('.test.ts')).sort()
}

/** Id → test files, as `integration/permissions-doors`. */
function testedIds(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  for (const folder of FOLDERS) {
    for (const file of testsIn(folder)) {
      for (const [, ids = ''] of readFileSync(join(TESTS, folder, file), 'utf8').matchAll(TITLE)) {
        for (const id of ids.trim().split(' ')) {
          found.set(id, (found.get(id) ?? new Set()).add(`${folder}/${file.replace('.test.ts', '')}`))
        }
      }
    }
  }
  return found
}

/**
 * One section's table.
 * @throws Error with every row that has no test, every id in a title that has no row, and every id of two rows
 */
export function attackTable(section: AttackSection): string {
  const tested = testedIds()
  const ids = Object.values(ATTACKS).flatMap((rows) => rows.map(([id]) => id))
  const known = new Set(ids)
  const twice = ids.filter((id, at) => ids.indexOf(id) !== at)
  if (twice.length > 0) throw new Error(`scripts/regions/attack-rows*.ts: two rows have the id ${twice.join(', ')}`)
  const untested = [...known].filter((id) => !tested.has(id))
  const unexplained = [...tested.keys()].filter((id) => !known.has(id))
  if (untested.length + unexplained.length > 0) {
    throw new Error(
      `scripts/regions/attack-rows*.ts and the titles of tests disagree: no test begins with ${untested.join(', ') || '–'}; no row for ${unexplained.join(', ') || '–'}`,
    )
  }
  return markdownTable(
    ['', 'attempt', 'what is done', 'tests'],
    ATTACKS[section].map(([id, attempt, defence]) => [
      id,
      attempt,
      defence,
      [...(tested.get(id) ?? [])]
        .sort()
        .map((file) => `\`${file}\``)
        .join(' '),
    ]),
  )
}
