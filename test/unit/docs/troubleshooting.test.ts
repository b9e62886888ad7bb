/** docs/troubleshooting.md names only causes, ends, log events and texts that the gateway has. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { REFUSALS, type RefusalSpec } from '../../../src/http/refusal.ts'
import { DROPS } from '../../../src/http/server/drops.ts'
import { EVENTS } from '../../../src/ops/events.ts'
import { ENDS } from '../../../src/sessions/end-reasons.ts'

const root = join(import.meta.dirname, '../../..')
const page = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8')
const rows = [...page.matchAll(/^\| (?!you see|---)(.+) \| (.+) \| (.+) \|$/gm)]
const spans = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span)

const sources = ['src', 'auth']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(root, folder, name)),
  )
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n')

describe('docs/troubleshooting.md', () => {
  it('has a cause and a change for each of at least 25 symptoms', () => {
    assert.ok(rows.length >= 25)
    for (const [row, ...cells] of rows)
      assert.ok(
        cells.every((cell) => cell.length > 10),
        row,
      )
  })

  it('names causes, ends and log events that there are', () => {
    const known = new Set([REFUSALS, ENDS, EVENTS, DROPS].flatMap((table) => Object.keys(table)))
    const named = rows.flatMap(([row]) => spans(row)).filter((span) => /^[a-z]+(-[a-z]+)+$/.test(span))
    assert.ok(named.length > 30)
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    )
  })

  it('quotes texts that the gateway writes', () => {
    const [, answers = ''] = /^## By HTTP.*?\n(.*?)^## In the log/ms.exec(page) ?? []
    const quoted = [...answers.matchAll(/^\| (?!you see|---)(.+?) \|/gm)].flatMap(([, seen = '']) => spans(seen))
    assert.ok(quoted.length > 15)
    const pieces = quoted.flatMap((text) => text.split('; did you mean'))
    assert.deepEqual(
      pieces.filter((text) => !sources.includes(text)),
      [],
    )
  })

  it('has the close codes that go with their causes', () => {
    for (const [row, seen = ''] of rows) {
      const [, code] = /close code (\d+)/.exec(seen) ?? []
      for (const cause of spans(seen).filter((span): span is keyof typeof REFUSALS => Object.hasOwn(REFUSALS, span))) {
        const { inBand }: RefusalSpec = REFUSALS[cause]
        assert.equal(Number(code), inBand?.closeCode ?? 1006, row)
      }
    }
  })
})
