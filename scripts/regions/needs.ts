/** What each method of a client needs, from NEEDS. */
import type { FromClient } from '../../proxy/codec/spec.ts'
import { CASES, EVERY_KEY, type FieldNeed, NEEDS_ROWS, type NeedsRow } from '../../proxy/filters/needs.ts'
import { markdownTable } from '../generated-regions.ts'

/** Methods with the same row share one line. */
export function needsTable(): string {
  const lines = new Map<string, { methods: string[]; row: NeedsRow }>()
  for (const [method, row] of Object.entries(NEEDS_ROWS) as [FromClient, NeedsRow][]) {
    const key = JSON.stringify(row)
    const line = lines.get(key) ?? { methods: [], row }
    line.methods.push(`\`${method}\``)
    lines.set(key, line)
  }
  const rows = [...lines.values()].map(({ methods, row }) => [
    methods.join(' · '),
    needs(row),
    refused(row),
    (row.cases ?? []).map((name) => `[${name}](#${name})`).join(' · '),
  ])
  return markdownTable(['method', 'needs', 'refused always', 'and'], rows)
}

/** The cases that the table refers to. */
export function needsCases(): string {
  return Object.entries(CASES)
    .map(([name, text]) => `- <a id="${name}"></a>**${name}** – ${text}`)
    .join('\n')
}

function needs({ needs: fields, bySession }: NeedsRow): string {
  if (bySession === true) return 'nothing: the session itself answers or judges it'
  if (fields.length === 0) return 'nothing'
  return fields.map(needText).join(', ')
}

function needText({ permission, kind, name, key }: FieldNeed): string {
  const what = name === kind ? `the ${kind}` : `the ${kind} \`${name}\``
  if (key === undefined) return `${permission} ${what}`
  return `${permission} ${what} for ${key === EVERY_KEY ? 'every key' : 'the key'}`
}

function refused({ unimplemented }: NeedsRow): string {
  return unimplemented === undefined ? '' : `\`${unimplemented.says}\`: 540`
}
