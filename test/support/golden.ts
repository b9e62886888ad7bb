/**
 * Golden frames: `fixtures/frames/*.hex`. The first line is `# ` and JSON that says what the bytes mean; the others are
 * hex octets, with a comment behind `#`. They were put together from the specification, not by this codec.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Table, TableValue } from '../../proxy/codec/table.ts'

export interface Golden {
  readonly name: string
  readonly bytes: Buffer
  readonly says: {
    readonly header?: true
    readonly frame?: 'method' | 'header' | 'body' | 'heartbeat' | number
    readonly channel?: number
    readonly method?: string
    readonly fields?: Readonly<Record<string, unknown>>
    readonly bodySize?: string
    readonly properties?: Readonly<Record<string, unknown>>
    readonly fault?: string
  }
}

/** All golden frames of one folder below fixtures/frames. */
export function goldenFrames(folder: '' | 'refused/'): Golden[] {
  const directory = new URL(`../../fixtures/frames/${folder}`, import.meta.url)
  return readdirSync(directory)
    .filter((name) => name.endsWith('.hex'))
    .map((name) => {
      const [first = '', ...lines] = readFileSync(new URL(name, directory), 'utf8').split('\n')
      const hex = lines.map((line) => line.replace(/#.*/, '')).join('')
      const bytes = Buffer.from(hex.replace(/\s/g, ''), 'hex')
      return { name: name.slice(0, -4), bytes, says: JSON.parse(first.slice(2)) as Golden['says'] }
    })
}

const ENTRY_WITH_KEY = 3

/** Turns the JSON notation of the fixtures into the codec's values: tables are lists of [key, type, value]. */
export function fromNotation(notation: unknown): unknown {
  if (Array.isArray(notation)) return notation.map(itemFromNotation)
  if (typeof notation !== 'object' || notation === null) return notation ?? undefined
  if ('bigint' in notation) return BigInt(String(notation.bigint))
  if ('text' in notation) return Buffer.from(String(notation.text))
  if ('hex' in notation) return Buffer.from(String(notation.hex), 'hex')
  return Object.fromEntries(Object.entries(notation).map(([name, value]) => [name, fromNotation(value)]))
}

function itemFromNotation(item: readonly unknown[]): Table[number] | TableValue {
  const [key, type, value] = item.length === ENTRY_WITH_KEY ? item : [undefined, ...item]
  const typed = { type, value: fromNotation(value) }
  return (key === undefined ? typed : { key, ...typed }) as Table[number] | TableValue
}
