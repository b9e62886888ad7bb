/** Reading the argument tables of declarations and bindings: authority is passed on in them, so nothing is left unclear. */
import { isUtf8 } from 'node:buffer'
import { find, type Table } from '../../codec/table.ts'
import { hasControlCharacters } from './names.ts'

/** An argument that names an exchange or a routing key. */
export type NameArgument =
  | { readonly kind: 'absent' }
  | { readonly kind: 'name'; readonly name: string }
  /** Of another type than a string, longer than a name may be, not UTF-8, or with control characters. */
  | { readonly kind: 'unfit' }

const ABSENT: NameArgument = { kind: 'absent' }
const UNFIT: NameArgument = { kind: 'unfit' }

export function nameArgument(table: Table, key: string): NameArgument {
  const entry = find(table, key)
  if (entry === undefined) return ABSENT
  if (entry.type !== 'S' || entry.value.length > 255 || !isUtf8(entry.value)) return UNFIT
  const name = entry.value.toString()
  return hasControlCharacters(name) ? UNFIT : { kind: 'name', name }
}

/** A key that the table has twice: the broker would heed one of them, and others another. */
export function duplicateKey(table: Table): string | undefined {
  const seen = new Set<string>()
  for (const { key } of table) {
    if (seen.has(key)) return key
    seen.add(key)
  }
  return undefined
}

/** What of `added` the table does not have. */
export function missingFrom(table: Table, added: Table): Table {
  return added.filter(({ key }) => find(table, key) === undefined)
}
